"""Code lists that every service speaks: counties (GB/T 2260), occupations (2022), fields of work.

Synonyms and closeness of codes are matters of the matcher and do not live here.
"""
