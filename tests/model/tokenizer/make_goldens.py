#!/usr/bin/env python3
"""Makes testdata/: small tokenizers, and goldens.json, what the reference library gives for them.

Needs `pip install tokenizers==0.23.3`. The result is committed; make it anew only when the parity target changes.
"""
import json
import pathlib
import sys

import tokenizers

from oracle_texts import TEXTS, grown
from small_tokenizers import VERSION, load, merge_patch, train_byte_level, train_unigram, train_word_piece, variants

TESTDATA = pathlib.Path(__file__).resolve().with_name('testdata')
LIMITS = [(n, side) for n in (2, 3, 5, 9, 16) for side in ('right', 'left')]


def write(name, value):
    text = json.dumps(value, ensure_ascii=True, separators=(',', ':'))
    (TESTDATA / name).write_text(text.replace('],["', '],\n["').replace('],{"', '],\n{"') + '\n')


def case_sets(base_name, base):
    for name, patch in variants(base).items():
        reference = load(merge_patch(base, patch))
        # The plain tokenizer answers everything; a variant what it can change, and a sample.
        texts = TEXTS + grown(len(base_name), 60) if name == 'plain' else TEXTS[::3] + TEXTS[-46:]
        cases = [[text, reference.encode(text).ids] for text in dict.fromkeys(texts)]
        yield {'name': f'{base_name}/{name}', 'base': base_name, 'patch': patch, 'cases': cases}
    reference = load(base)
    for limit, side in LIMITS:
        reference.enable_truncation(limit, direction=side)
        cases = [[text, reference.encode(text).ids] for text in grown(limit, 8) + ['', 'a', 'the cat']]
        yield {'name': f'{base_name}/{limit} {side}', 'base': base_name, 'patch': {}, 'max_length': limit, 'side': side,
               'cases': cases}
    reference.enable_truncation(4)
    cases = [[text, reference.encode(text, add_special_tokens=False).ids] for text in grown(4, 8)]
    yield {'name': f'{base_name}/no specials', 'base': base_name, 'patch': {}, 'max_length': 4, 'side': 'right',
           'specials': False, 'cases': cases}


def main():
    if tokenizers.__version__ != VERSION:
        sys.exit(f'tokenizers {tokenizers.__version__} is installed; the goldens belong to {VERSION}')
    trainers = {'word_piece_uncased': lambda: train_word_piece(True), 'word_piece_cased': lambda: train_word_piece(False),
                'byte_level': train_byte_level, 'unigram': train_unigram}
    sets = []
    for name, train in trainers.items():
        if not (TESTDATA / f'{name}.json').exists():     # training depends on chance: keep what there is
            write(name + '.json', train())
        base = json.loads((TESTDATA / f'{name}.json').read_text())
        sets += case_sets(name, base)
    write('goldens.json', {'tokenizers': VERSION, 'sets': sets})
    print(f'{len(sets)} sets, {sum(len(s["cases"]) for s in sets)} cases')


if __name__ == '__main__':
    main()
