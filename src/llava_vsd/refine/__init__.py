"""The third sentence rewritten from the second: diversification (LLaVA-VSD, ACM MM 2024, section 2.4), with a guard.

rewrite.py      the model's tries, then rules, then the original: what becomes of a row
prompt.py       what a text model is asked
guard.py        whether a rewrite may stand       guard_words.py   the words it knows
reading.py      the second sentence in parts      rules.py         sentences from the parts
frames.py       the tables of the rules           run.py           all rows, into a file, resumable
completions.py  what a model has said already     models.py        a model from its specification
"""
