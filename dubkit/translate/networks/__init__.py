"""Translation networks that run here, with CTranslate2: their files, their answers, their lines."""
