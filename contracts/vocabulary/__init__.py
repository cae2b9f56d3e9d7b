"""Code lists that every service speaks: counties (GB/T 2260) and occupations (大典 2022).

Synonyms and closeness of codes are matters of the matcher and do not live here.
"""
