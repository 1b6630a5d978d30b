"""SPICE without Java: captions are read as scene graphs, and the graphs compared.

captions to tokens      tokens.py        sentences of tokens              abbreviations.py   its word lists

tokens to trees         pcfg.py          the parser                       chart.py           the loops that fill a chart
                        bounds.py        what a search may drop           reading.py         the best tree of a chart
                        tables.py        rules laid out for the loops     kernel.py          how the loops are compiled
                        labels.py        states to labels
                        grammar.py       a grammar as arrays, and a file  lexicon.py         tags of words
                        spelling.py      American spelling                sample.py          captions to fit it by
                        locate.py        the original grammar, fetched    original.py        read and checked
                        java.py          the form in which it comes       trees.py           trees, words with heads

trees to dependencies   dependencies.py  heads and relations              regroupings.py     flat phrases, parted
                        head_rules.py    which child is the head          relation_rules.py  what the others are to it
                        clause_rules.py  and in clauses                   word_lists.py      labels and words they name
                        tree_paths.py    the language of these rules
                        lemmas.py        lemmas by rule                   lemma_tables.py    and by list

dependencies to tuples  graph.py         the collapsed graph              scene.py           quantities and pronouns
                        tuples.py        patterns: raw tuples             scene_words.py     word lists, of scores too

tuples to scores        concepts.py      names that mean the same         synonyms.py        synset ids of WordNet
                        score.py         precision, recall, F

faces                   pipeline.py      all of it, from captions         workers.py         in several processes
                        cache.py         parses on disk                   told.py            tuples from elsewhere
                        files.py         the original's input and output  pycocoevalcap.py   in place of its class
"""
