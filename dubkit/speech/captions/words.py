"""Words that tell sounds from speech, and labels from sentences, in the languages of many files."""

from __future__ import annotations

import re

NUMBERED = re.compile(
    r"^(?:speaker|spk|sprecher(?:in)?|orador|falante|hablante|locuteur|interlocuteur|relatore|спикер|говорящий"
    r"|話者|说话人|說話人|화자)[ _-]?\w{0,3}$",
    re.I,
)
"""A speaker without a name: `SPEAKER_00`, `Speaker 1`."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SOUNDS = _words(
    """
    applause applauding bang banging barking barks beep beeping beeps bleep bleeping boom breathing
    breathes buzzing buzzes chatter chattering cheering cheers chirping chirps chuckle chuckles
    chuckling clapping claps clattering clears clicks clicking cough coughing coughs crash crashing
    creaking creaks cries crying crowd exclaims exhales explosion footsteps gasp gasping gasps giggles
    giggling groaning groans growling growls grunting grunts gunfire gunshot gunshots hissing honking
    honks horn howling hums humming inaudible indistinct indistinctly inhales instrumental knocking
    knocks laugh laughing laughs laughter mimicking moaning moans mumbling mumbles murmuring music
    muttering mutters narrating panting pants rattling ringing rings roaring roars rumbling rustling
    scoffs screaming screams screeching shouting shouts shrieks sigh sighing sighs silence singing sings
    sirens siren slam slams slurping snickers sniffles sniffling sniffs snores snoring sobbing sobs
    speaking splashing squeaking static sputters squealing stammers theme thud thunder ticking
    unintelligible vocalizing wailing whimpering whimpers whispering whispers whistles whistling
    whooping yawns yelling yells risos risada risadas riem suspira suspiro suspirando música musica
    aplausos tosse tossindo grita gritos gritando chora choro chorando sussurra sussurrando
    ininteligível inaudível trovão passos tiros latidos risas ríe ríen suspiros tose tosiendo llora
    llorando susurra susurrando ininteligible disparos pasos rires rire rit soupire soupir soupirs
    musique applaudissements tousse crie cris pleure pleurs chuchote chuchotant murmure sonnerie coups
    lacht lachen gelächter seufzt seufzen musik applaus beifall hustet schreit schreie weint flüstert
    klingelt klopfen schritte schüsse unverständlich ride ridono risata risate sospira sospiro applausi
    tossisce urla piange squilla spari incomprensibile смех смеётся смеется смеются вздыхает вздох
    музыка аплодисменты кашляет кашель кричит плачет плач шепчет шёпотом шепотом стук звонок выстрелы
    неразборчиво
    """
)
"""What people and things are heard to do."""

THINGS = _words(
    """
    door doors phone telephone cellphone engine dog dogs bell doorbell alarm baby crowd audience car
    horn wind rain glass gun tires bird birds clock radio tv machine train waves people men women man
    woman all both porta telefone cachorro campainha alarme bebê público carro vidro motor puerta
    teléfono perro timbre alarma bebé coche porte téléphone chien moteur tür telefon hund glocke
    telefono cane campanello дверь телефон
    """
)
"""What makes a sound: `door slams`."""

SPOKEN = _words(
    """
    i i'm i've i'll i'd you you're we we're he he's she she's it it's they they're my your me us is are
    was were am be not don't can't eu você nós meu minha é são está não yo tú usted mi es son no je tu
    vous nous mon ma est sont pas ich du wir ihr mein ist sind nicht io noi mio sono è non я ты мы вы
    мой не
    """
)
"""Words of sentences, which no description of a sound has."""

NO_NAMES = _words(
    """
    note warning attention question answer remember example result conclusion ps p.s update tip fact
    rule chapter part step day time date place subject re from to cc http https number no title episode
    level lesson act scene section breaking news urgent danger notice important fun caution reminder
    summary problem solution reason goal point first second third next finally ok okay yes well so look
    listen and but or because the is are that this here there what why how when where who today tomorrow
    location address phone email website total nota aviso atenção pergunta resposta exemplo lembre-se
    resultado capítulo parte passo dia hora data lugar assunto urgente perigo importante dica problema
    solução conclusão título episódio motivo atención pregunta respuesta ejemplo recuerda recuerde paso
    fecha peligro consejo solución conclusión remarque avertissement réponse exemple résultat chapitre
    partie étape jour heure lieu sujet hinweis warnung achtung frage antwort beispiel ergebnis kapitel
    teil schritt tag zeit ort betreff wichtig avviso attenzione domanda risposta esempio risultato
    capitolo giorno ora luogo pericolo внимание вопрос ответ пример итог глава часть шаг день время
    важно
    """
)
"""What stands before a colon and is no name."""

PARTICLES = _words(
    """
    of the on in de da do dos das del la le du van von der den di and & e y et und
    """
)
"""Small words inside names."""

JOINING = _words(
    """
    and or but with without in on at the a an of for to by from e ou com sem em no na y o con sin en el
    la un una et ou avec sans dans le les und oder mit ohne im der die das il lo per и или в на
    """
)
"""What begins a part of a sentence, and no description of a sound."""
