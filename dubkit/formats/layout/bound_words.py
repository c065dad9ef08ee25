# ruff: noqa: RUF001 - single letters of Russian are words
"""Words after which no line ends: articles, prepositions and what else belongs to the next word."""

from __future__ import annotations

BOUND_WORDS = {
    "de": """
        der die das den dem des ein eine einen einem einer eines kein keine und oder aber dass weil wenn als
        wie zu zum zur in im an am auf aus bei mit nach von vom vor für über unter durch gegen ohne um mein
        meine dein deine sein seine ihr ihre nicht sehr
    """,
    "en": """
        a an the and or but nor if as than that to of in on at by for from with into onto over under about
        after before without my your his her its our their this these those very not i'm he's she's it's
    """,
    "es": """
        el la los las un una unos unas y e o u pero ni si que como de del a al en con por para sin sobre
        desde hasta entre mi tu su mis tus sus nuestro nuestra este esta muy no se me te le lo
    """,
    "fr": """
        le la les un une des du de d' l' et ou mais ni si que qu' comme à au aux en dans sur sous par pour
        avec sans chez vers mon ma mes ton ta tes son sa ses notre votre leur ce cet cette ces très ne n' se
        s' je j' tu il elle on nous vous ils elles
    """,
    "it": """
        il lo la i gli le un uno una e o ma se che come di del dello della dei degli delle a al allo alla ai
        agli alle da dal dalla in nel nella con su sul sulla per tra fra mio mia tuo tua suo sua molto non
        si mi ti ci vi
    """,
    "nl": """
        de het een en of maar dat als om te van in op aan bij met naar uit voor over onder door zonder mijn
        jouw zijn haar ons onze hun deze dit die niet heel
    """,
    "pl": """
        i a ale lub albo że żeby jak w we z ze na do od po za pod nad o u przy przez dla bez mój moja twój
        jego jej nie się
    """,
    "pt": """
        o a os as um uma uns umas e ou mas nem se que como de do da dos das em no na nos nas a ao à aos às
        com por pelo pela para sem sobre entre até meu minha teu seu sua este esta muito não me te lhe
    """,
    "ru": """
        и а но или что как в во на с со к ко о об от до из у за под над по при про для без через мой моя
        твой его её их не ни бы же
    """,
    "sv": """
        en ett den det de och eller men att som om i på av till från med för vid under över efter utan min
        din sin vår inte
    """,
}
"""Language -> words that belong to what follows them; other languages have no list."""
