#!/usr/bin/env python3
"""Millions of strings through both tokenizers on one core; prints each difference, exits 1 if there was one.

  differential_run.py TOKENIZER_IDS --shared DIR --record FILE.json [--strings N] [--family NAME]

Chunks of 50 thousand strings, one seed each, for the vocabularies of DIR, those of a family in turn, until a family has
N. Half of a chunk is natural: lines of the corpora, whole, cut and joined; half is made of tokens, scalars, white space
and known traps. Some are truncated, some go without special tokens. FILE is rewritten after each chunk, so that a run
which was stopped goes on with the next seed. Then, for the first two vocabularies of a family, every Unicode scalar
alone and between letters. Needs tokenizers==0.23.3. `XLM-R` is compared with the class of transformers, where that is
installed.
"""
import argparse
import array
import base64
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time

os.environ['RAYON_NUM_THREADS'] = '1'                     # read when the library is loaded
os.environ['TOKENIZERS_PARALLELISM'] = 'false'

import tokenizers

try:
    import transformers
except ImportError:
    transformers = None

from differential import as_text, published
from oracle_texts import random_part
from small_tokenizers import METASPACE, VERSION, file_of, load, merge_patch, token, vocabulary_of

CHUNK = 50000
BATCH = 2500
SCALARS = [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


class Ours:
    """tokenizer_ids --stream."""

    def __init__(self, program, path):
        flag = '--folder' if path.is_dir() else '--file'
        self.process = subprocess.Popen([program.resolve(), '--stream', flag, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def answer(self, texts, limit, left, special):
        """For each text the number of its ids, then the ids."""
        raw = [text.encode() for text in texts]
        sizes = array.array('i', map(len, raw))
        head = array.array('i', (len(raw), limit, left, not special, sum(sizes)))
        self.process.stdin.write(head.tobytes() + sizes.tobytes() + b''.join(raw))
        self.process.stdin.flush()
        count = array.array('i')
        count.frombytes(self.read(4))
        return self.read(4 * count[0])

    def read(self, size):
        data = self.process.stdout.read(size)
        if len(data) != size:
            sys.exit(f'{self.process.args}: ended in an answer, exit status {self.process.wait()}')
        return data

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def rows_of(answer):
    ints = array.array('i')
    ints.frombytes(answer)
    rows, at = [], 0
    while at < len(ints):
        rows.append(ints[at + 1:at + 1 + ints[at]].tolist())
        at += 1 + ints[at]
    return rows


def differences(name, reference, program, texts, limit=0, left=False, special=True):
    """Number of `texts` with other ids."""
    reference.no_truncation()
    if limit:
        reference.enable_truncation(limit, direction='left' if left else 'right')
    want = array.array('i')
    for row in reference.encode_batch_fast(texts, add_special_tokens=special):
        ids = row.ids
        want.append(len(ids))
        want.extend(ids)
    got = program.answer(texts, limit, left, special)
    if got == want.tobytes():
        return 0
    bad = [row for row in zip(texts, rows_of(want.tobytes()), rows_of(got)) if row[1] != row[2]]
    for text, theirs, ids in bad[:3]:
        print(f'DIFFERENT {name} limit {limit} left {left} special {special}: {json.dumps(text)}\n'
              f'  reference {theirs}\n  ours      {ids}', flush=True)
    return len(bad)


def natural(rng, lines, count):
    picked = rng.choices(lines, k=count)
    for i, line in enumerate(picked):
        how = rng.random()
        if how < 0.3:
            continue
        begin = int(rng.random() * len(line))
        part = line[begin:begin + 1 + int(rng.random() * 40)]
        if how > 0.6:
            other = picked[int(rng.random() * count)]
            part += other[int(rng.random() * len(other)):][:30]
        picked[i] = part.upper() if how > 0.95 else part
    return picked


def made(rng, pieces, lines, count):
    parts = [random_part(rng, pieces) for _ in range(count // 4)] + [x[:8] for x in natural(rng, lines, count // 20)]
    sizes = rng.choices((1, 2, 3, 5, 8), k=count)
    return [''.join(rng.choices(parts, k=size)) for size in sizes]


def chunk(name, seed, subject, lines):
    """(strings, distinct, differences, seconds)"""
    start = time.monotonic()
    reference, program, pieces, smallest = subject
    rng = random.Random(f'{name} {seed}')
    texts = natural(rng, lines, CHUNK // 2) + made(rng, pieces, lines, CHUNK // 2)
    rng.shuffle(texts)
    bad = 0
    for i in range(0, CHUNK, BATCH):
        limit = rng.randint(max(smallest, 2), 20) if rng.random() < 0.25 else 0
        bad += differences(name, reference, program, texts[i:i + BATCH], limit, rng.random() < 0.5, rng.random() < 0.9)
    return {'strings': CHUNK, 'distinct_in_chunk': len(set(texts)), 'differences': bad, 'seconds': time.monotonic() - start}


def scalars(name, subject):
    start = time.monotonic()
    reference, program, _, _ = subject
    bad = 0
    for i in range(0, len(SCALARS), 10 * BATCH):
        some = SCALARS[i:i + 10 * BATCH]
        for texts in (some, [f'a{c}b' for c in some]):
            bad += differences(name, reference, program, texts)
    return {'strings': 2 * len(SCALARS), 'differences': bad, 'seconds': round(time.monotonic() - start, 1)}


def corpus_lines(data):
    lines = []
    for path in ('en-sentences.txt', 'botchan.txt', 'wagahaiwa_nekodearu.txt', 'blns.txt', *(
            f'lipsum/{name}-Lipsum.utf8.txt' for name in ('Arabic', 'Chinese', 'Japanese', 'Latin', 'Russian'))):
        lines += (data / 'corpus' / path).read_text(encoding='utf-8').split('\n')
    for path in ('mrpc-train.tsv', 'corpus/tatoeba-multilingual.tsv', 'unicode/emoji-test.txt'):
        for line in (data / path).read_text(encoding='utf-8').split('\n'):
            lines += line.split('\t')
    lines += json.loads((data / 'corpus/blns.json').read_text(encoding='utf-8'))
    return [line[:400] for line in lines if line.strip()]


# ----------------------------------------------------------------------------------------------------- vocabularies

def message(data):
    """(field, value) of a protocol buffer message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        field, kind = divmod(varint(), 8)
        if kind == 0:
            yield field, varint()
        else:
            size = varint() if kind == 2 else {1: 8, 5: 4}[kind]
            yield field, data[at:at + size]
            at += size


def from_sentencepiece(path):
    """The pieces and the charsmap of a .model file, as a tokenizer.json with this project's usual Metaspace."""
    pieces, charsmap = [], b''
    for field, value in message(path.read_bytes()):
        if field == 1:
            piece = dict(message(value))
            pieces.append([piece[1].decode(), struct.unpack('<f', piece.get(2, bytes(4)))[0]])
        elif field == 3:
            charsmap = dict(message(value)).get(2, b'')
    normalizer = {'type': 'Precompiled', 'precompiled_charsmap': base64.b64encode(charsmap).decode()} if charsmap else None
    return file_of({'type': 'Unigram', 'unk_id': 0, 'vocab': pieces, 'byte_fallback': False}, normalizer, METASPACE, None,
                   [token(i, x[0]) for i, x in enumerate(pieces[:3])])


def families(data):
    """{family: {vocabulary: tokenizer.json value}}"""
    named = published(data.parent)

    def read(path):
        return json.loads((data / path).read_text(encoding='utf-8'))

    gpt2 = merge_patch(named['RoBERTa'], {'post_processor': None, 'added_tokens': [token(50256, '<|endoftext|>')]})
    gpt2['model']['vocab'] = read('gpt2/vocab.json')
    return {
        'byte-level BPE': {'roberta': named['RoBERTa'], 'gpt2': gpt2},
        'WordPiece': {'bert-base-uncased': named['BERT uncased'], 'bert-base-cased': named['BERT cased'],
                      'bert-base-multilingual-cased': named['BERT multilingual cased'],
                      'bert-base-chinese': read('bert/bert-base-chinese/tokenizer.json'),
                      'bge-small-en': read('bert/bge-small-en/tokenizer.json')},
        'Unigram': {'t5-small': named['T5'], 'nmt': named['Unigram nmt'],
                    **({'XLM-R (t5-small\'s pieces)': None} if transformers else {}),
                    **{path.stem: from_sentencepiece(path) for path in sorted((data / 'unigram').glob('*/*.model'))}},
    }


def write_xlm_roberta(t5, folder):
    """t5-small's pieces and map as the folder of an XLM-R model; returns the reference's tokenizer."""
    pieces = [['<s>', 0.0], ['<pad>', 0.0], ['</s>', 0.0], ['<unk>', 0.0]]
    pieces += [x for x in t5['model']['vocab'][3:] if not x[0].startswith('<extra_id')] + [['<mask>', 0.0]]
    spec = merge_patch(t5, {'model': {'type': 'Unigram', 'unk_id': 3, 'vocab': pieces}, 'post_processor': None,
                            'added_tokens': [token(i, x[0]) for i, x in enumerate(pieces[:4])]
                            + [token(len(pieces) - 1, '<mask>', lstrip=True)]})
    folder.mkdir()
    (folder / 'tokenizer.json').write_text(json.dumps(spec))
    (folder / 'config.json').write_text(json.dumps({'model_type': 'xlm-roberta'}))
    (folder / 'tokenizer_config.json').write_text(json.dumps({'tokenizer_class': 'XLMRobertaTokenizer'}))
    return transformers.AutoTokenizer.from_pretrained(folder).backend_tokenizer


def subject_of(name, spec, t5, program, folder):
    """(reference, our process, token texts, special tokens)"""
    path = folder / name.replace(' ', '_').replace("'", '')
    if spec is None:
        reference, spec = write_xlm_roberta(t5, path), t5
    else:
        path.write_text(json.dumps(spec))
        reference = load(spec)
    reference.no_padding()
    pieces = [as_text(piece) for piece in vocabulary_of(spec)] + [x['content'] for x in spec['added_tokens']]
    return reference, Ours(program, path), pieces, reference.num_special_tokens_to_add(False)


# -------------------------------------------------------------------------------------------------------------- main

def add(entry, new):
    for key, value in new.items():
        entry[key] = round(entry.get(key, 0) + value, 1) if key == 'seconds' else entry.get(key, 0) + value


def save(path, record):
    part = path.with_suffix('.part')
    part.write_text(json.dumps(record, indent=1) + '\n')
    part.rename(path)


def run_family(family, subjects, lines, arguments, record):
    runs = record['strings'].setdefault(family, {})
    for name in subjects:
        runs.setdefault(name, {'first_seed': arguments.first_seed, 'seeds': 0})
    while sum(entry.get('strings', 0) for entry in runs.values()) < arguments.strings:
        name = min(subjects, key=lambda x: runs[x]['seeds'])
        result = chunk(name, arguments.first_seed + runs[name]['seeds'], subjects[name], lines)
        runs[name]['seeds'] += 1
        add(runs[name], result)
        save(arguments.record, record)
        print(f'{family} {name}: {runs[name]}', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('program', metavar='TOKENIZER_IDS', type=pathlib.Path)
    parser.add_argument('--shared', type=pathlib.Path, required=True)
    parser.add_argument('--record', type=pathlib.Path, required=True)
    parser.add_argument('--strings', type=int, default=10000000, help='of each family')
    parser.add_argument('--first-seed', type=int, default=0)
    parser.add_argument('--family', help='only this one')
    arguments = parser.parse_args()
    if tokenizers.__version__ != VERSION:
        sys.exit(f'tokenizers {tokenizers.__version__} is installed, the parity target is {VERSION}')
    record = json.loads(arguments.record.read_text()) if arguments.record.exists() else {
        'tokenizers': VERSION, 'strings': {}, 'every scalar alone and between letters': {}}
    data = arguments.shared / 'data'
    lines = corpus_lines(data)
    wanted = families(data)
    t5 = wanted['Unigram']['t5-small']
    every = record['every scalar alone and between letters']
    with tempfile.TemporaryDirectory() as folder:
        for family, specs in wanted.items():
            if arguments.family not in (None, family):
                continue
            subjects = {name: subject_of(name, spec, t5, arguments.program, pathlib.Path(folder))
                        for name, spec in specs.items()}
            run_family(family, subjects, lines, arguments, record)
            for name in [*subjects][:2]:
                if name not in every:
                    every[name] = scalars(name, subjects[name])
                    save(arguments.record, record)
                    print(f'scalars {name}: {every[name]}', flush=True)
            for _, program, _, _ in subjects.values():
                program.close()
    entries = [entry for runs in record['strings'].values() for entry in runs.values()] + [*every.values()]
    sys.exit(1 if sum(entry.get('differences', 0) for entry in entries) else 0)


if __name__ == '__main__':
    main()
