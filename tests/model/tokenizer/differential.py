#!/usr/bin/env python3
"""Compares our ids with the reference library's; prints every count, exits 1 on a difference.

  differential.py TOKENIZER_IDS [--strings N] [--configurations N] [--seed S] [--shared DIR] [--only PART]

TOKENIZER_IDS is the test program of that name. Parts: `generated` strings for each vocabulary, `scalars` (every
Unicode scalar between letters), `configurations` made at random, and, where DIR holds them, `corpora` with the
published vocabularies, other projects' `vectors` and sentencepiece's `model_files`. Needs tokenizers==0.23.3; exits 77 (ctest: skipped) without.
"""
import argparse
import collections
import functools
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

os.environ['RUST_BACKTRACE'] = '0'  # the library may panic on a random configuration

try:
    import tokenizers
except ImportError:
    print('SKIPPED: no Python package "tokenizers": run scripts/venv test')
    sys.exit(77)

from oracle_texts import TEXTS, random_text
from small_tokenizers import (
    METASPACE, VERSION, bert_normalizer, charsmap, file_of, load, merge_patch, template, token, variants, vocabulary_of)

TESTDATA = pathlib.Path(__file__).resolve().with_name('testdata')
BASES = ('word_piece_uncased', 'word_piece_cased', 'byte_level', 'unigram')
COMPOSED = 'aeo\u00e9\u1ed9\u0301\u0302\u0323\u0327\u0345\u034f\u0903\u1100\u1161\u11a7\u11a8\uac00\uac01\u09c7\u09be '
COMPATIBLE = 'a\ufb01\u2460\uff21\uff9e\uff76\u3300\ufdfa\u00bd\u212b\u2126\u1e9b\u0323\u200b\u2581\ufeff\u0001\u3000 '
UNMAPPED = '\u1100\u1161\u11a7\u11a8\uac00\uac01'  # a charsmap that begins with Hangul is refused
failures = 0


def run(program, arguments, texts):
    """Our ids for each text, or our message when we refuse the tokenizer."""
    done = subprocess.run([program, *arguments], text=True, encoding='utf-8', capture_output=True,
                          input=''.join(json.dumps(text) + '\n' for text in texts), check=False)
    if done.returncode == 3:
        return done.stderr
    if done.returncode:
        sys.exit(f'{program}: exit status {done.returncode}: {done.stderr}')
    return [json.loads(line) for line in done.stdout.splitlines()]


def ours(program, spec, texts, *flags):
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory, 'tokenizer.json')
        file.write_text(json.dumps(spec))
        return run(program, ['--file', str(file), *flags], texts)


def compare(name, program, spec, texts, limit=0, side='right', special=True, split=False, got=None):
    """Number of strings compared; `got` is what we gave for them, if that is known."""
    global failures
    reference = load(spec)
    reference.encode_special_tokens = split
    flags = ([] if special else ['--no-special']) + (['--split-special'] if split else [])
    if limit:
        reference.enable_truncation(limit, direction=side)
        flags += ['--max-length', str(limit)] + (['--left'] if side == 'left' else [])
    got = got or ours(program, spec, texts, *flags)
    if isinstance(got, str):
        sys.exit(f'{name}: {got}')
    want = [row.ids for row in reference.encode_batch_fast(texts, add_special_tokens=special)]
    bad = [i for i, text in enumerate(texts) if want[i] != got[i]]
    for i in bad[:3]:
        print(f'DIFFERENT {name} {flags}: {json.dumps(texts[i])}\n  reference {want[i]}\n  ours      {got[i]}')
        if len(json.dumps(spec)) < 4000:
            print(f'  tokenizer {json.dumps(spec)}')
    failures += len(bad)
    return len(texts)


def compare_pairs(name, program, spec, pairs, limit=0, side='right', special=True, how='longest_first'):
    """Number of pairs compared, ids and type ids."""
    global failures
    reference = load(spec)
    flags = ['--pairs', how] + ([] if special else ['--no-special'])
    if limit:
        reference.enable_truncation(limit, strategy=how, direction=side)
        flags += ['--max-length', str(limit)] + (['--left'] if side == 'left' else [])

    def encode(first, second):
        try:
            row = reference.encode(first, second, add_special_tokens=special)
        except Exception as error:
            assert 'too short' in str(error), error
            return None
        return [row.ids, row.type_ids]

    got = ours(program, spec, pairs, *flags)
    if isinstance(got, str):
        sys.exit(f'{name}: {got}')
    bad = [(pair, want, ids) for pair, ids in zip(pairs, got) if (want := encode(*pair)) != ids]
    for pair, want, ids in bad[:3]:
        print(f'DIFFERENT {name} {flags}: {json.dumps(pair)}\n  reference {want}\n  ours      {ids}')
        if len(json.dumps(spec)) < 4000:
            print(f'  tokenizer {json.dumps(spec)}')
    failures += len(bad)
    return len(pairs)


def some_pairs(rng, name, program, spec, texts, how):
    """Pairs of `texts` without a limit and with one, cut as `how` says."""
    pairs = [[rng.choice(texts), rng.choice(texts)] for _ in range(len(texts) // 4)]
    added = load(spec).num_special_tokens_to_add(True)
    done = compare_pairs(name, program, spec, pairs[:len(pairs) // 2], special=rng.random() < 0.7)
    return done + compare_pairs(name, program, spec, pairs, added + rng.randint(1 if added == 0 else 0, 12),
                                rng.choice(('left', 'right')), True, how)


@functools.cache
def bytes_of_alphabet():
    return {c: b for b, c in byte_alphabet().items()}


def as_text(piece):
    alphabet = bytes_of_alphabet()
    if all(c in alphabet for c in piece):
        return bytes(alphabet[c] for c in piece).decode('utf-8', 'ignore') or piece
    return piece.replace('\u2581', ' ').removeprefix('##')


def byte_alphabet():
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [b for b in range(256) if b not in visible]
    return {**{b: chr(b) for b in visible}, **{b: chr(0x100 + i) for i, b in enumerate(rest)}}


def generated(program, seed, count, vocabularies):
    for name, spec in vocabularies.items():
        rng = random.Random(f'{seed} {name}')
        pieces = [as_text(piece) for piece in vocabulary_of(spec)] + [x['content'] for x in spec['added_tokens']]
        texts = [random_text(rng, pieces) for _ in range(count)]
        done = compare(name, program, spec, texts)
        for i in range(6):
            part = texts[i * count // 6:(i + 1) * count // 6]
            done += compare(name, program, spec, part, rng.randint(2, 20), rng.choice(('left', 'right')))
        done += compare(name, program, spec, texts[:count // 10], special=False)
        done += compare(name, program, spec, texts[-count // 10:], split=True)
        for how in ('longest_first', 'only_first', 'only_second'):
            done += some_pairs(rng, name, program, spec, texts[:count // 40], how)
        print(f'generated {name}: {done} strings')


def scalars(program, bases):
    every = [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
    texts = [' '.join(f'{c}a{c}b' for c in every[i:i + 32]) for i in range(0, len(every), 32)]
    for name, spec in bases.items():
        done = compare(name, program, spec, texts)
        print(f'scalars {name}: {done} strings of 32 scalars')


def random_vocabulary(rng, characters, prefix, specials):
    """3 to 200 entries with ids in any order, with holes or without."""
    names = list(specials)
    wanted = rng.choice((3, 8, 30, 200))
    for _ in range(wanted):
        piece = ''.join(rng.choice(characters) for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))))
        names.append(piece if rng.random() < 0.5 else prefix + piece)
    names = list(dict.fromkeys(names))
    ids = rng.sample(range(len(names) + (rng.choice((0, 0, 5)))), len(names))
    return dict(zip(names, ids))


def random_added(rng, characters, vocab, model):
    """Added tokens with any flags, numbered as the library numbers them."""
    reference = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocab, unk_token=''))
    if model['type'] == 'Unigram':                        # counts repeated pieces
        reference = tokenizers.Tokenizer(tokenizers.models.Unigram([tuple(x) for x in model['vocab']], 0, False))
    added = []
    for _ in range(rng.choice((0, 1, 2, 4))):
        content = rng.choice((' ', '', '', '')) + ''.join(rng.choice(characters) for _ in range(rng.randint(1, 3)))
        flags = {flag: rng.random() < 0.3 for flag in ('single_word', 'lstrip', 'rstrip', 'normalized', 'special')}
        reference.add_tokens([tokenizers.AddedToken(content, **flags)])
        added.append(token(reference.token_to_id(content), content, **flags))
    return added


def random_step(rng, characters):
    """A normalizer that any family may have."""
    kind = rng.choice(('NFC', 'NFD', 'NFKC', 'NFKD', 'Nmt', 'StripAccents', 'Lowercase', 'Strip', 'Replace', 'Prepend'))
    some = lambda: ''.join(rng.choice(characters) for _ in range(rng.choice((1, 1, 2))))
    settings = {'Strip': {'strip_left': rng.random() < 0.5, 'strip_right': rng.random() < 0.7},
                'Replace': {'pattern': rng.choice(({'Regex': ' {2,}'}, {'String': some()})),
                            'content': rng.choice((' ', '', 'b', '\u2581', 'e\u0301', some()))},
                'Prepend': {'prepend': rng.choice(('\u2581', ' ', some()))}}
    return {'type': kind, **settings.get(kind, {})}


def random_normalizer(rng, characters, *own):
    """None, one or several, those of the family more often."""
    steps = [rng.choice(own) if own and rng.random() < 0.4 else random_step(rng, characters) for _ in range(rng.choice((0, 1, 1, 2, 4)))]
    if len(steps) < 2:
        return steps[0] if steps else None
    return {'type': 'Sequence', 'normalizers': steps}


def random_unigram(rng, characters):
    """Few pieces with scores that make ties, repeated pieces, any map of the characters."""
    names = ['<unk>', *rng.choices(('\u2581', '<0x61>', *characters), k=3)]
    for _ in range(rng.choice((3, 8, 30, 200))):
        piece = ''.join(rng.choice(characters) for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))))
        names.append(rng.choice(('', '\u2581')) + piece.replace(' ', rng.choice(('', '\u2581'))))
    scores = rng.choice(((-1, -2, -3), (-0.1, -0.2, -0.3, -0.4), (1, 0, -1), (2.5, 30, 7)))
    if rng.random() < 0.4:
        scores = [-rng.random() * 10 for _ in range(20)]
    pieces = [[name, rng.choice(scores)] for name in names]
    model = {'type': 'Unigram', 'unk_id': rng.choice((0, 0, rng.randrange(len(pieces)))), 'vocab': pieces,
             'byte_fallback': rng.random() < 0.3}
    changed = ['b', *rng.choices([*characters, 'a\u0301', 'b\u0301', '\u0301'], k=3)]
    normalizer = random_normalizer(rng, characters, charsmap({
        key: rng.choice(('', ' ', 'b', 'a\u0301', 'xyz')) for key in changed if key[0] not in UNMAPPED}))
    mark = {**METASPACE, 'prepend_scheme': rng.choice(('always', 'never', 'first')), 'split': rng.random() < 0.7}
    splitter = rng.choice((mark, {'type': 'Sequence', 'pretokenizers': [{'type': 'WhitespaceSplit'}, mark]}))
    return {name: i for i, name in enumerate(names)}, model, normalizer, splitter


def random_processor(rng):
    """None or any processor; a template's pair in any order, with any types.

    No text twice in a pair: the library makes every combination of what it cut off, 20 GB of them for three."""
    ids = {'p': [1], 'q': [0, 2]}
    any_template = template(['p'], ['q', 'p'], ids)
    pieces = [{'Sequence': {'id': text, 'type_id': rng.randint(0, 2)}} for text in rng.choice(('A', 'B', 'AB', 'AB', 'AB'))]
    pieces += [{'SpecialToken': {'id': rng.choice('pq'), 'type_id': rng.randint(0, 2)}} for _ in range(rng.choice((0, 1, 2, 4)))]
    any_template['pair'] = rng.sample(pieces, len(pieces))
    ends = {'sep': ['s', 2], 'cls': ['c', 0]}
    byte_level = {'type': 'ByteLevel', 'add_prefix_space': True, 'trim_offsets': True}
    own = rng.choice((template(['p'], ['q', 'p'], ids), any_template, any_template, {'type': 'BertProcessing', **ends},
                      {'type': 'RobertaProcessing', **ends, 'trim_offsets': True, 'add_prefix_space': False}))
    return rng.choice((None, byte_level, own, own, {'type': 'Sequence', 'processors': rng.sample([byte_level, own], 2)}))


def random_configuration(rng):
    characters = rng.choice(('abc', 'abc .', "a's t1", 'aé\u0301中.', 'xyAB \u0301\u200d', 'a1!\u00a0\n ', COMPOSED, COMPATIBLE))
    kind = rng.random()
    if kind < 0.34:
        vocab, model, normalizer, splitter = random_unigram(rng, characters)
    elif kind < 0.67:
        vocab = random_vocabulary(rng, [c for c in characters if not c.isspace()], '##', ['[UNK]'])
        model = {'type': 'WordPiece', 'unk_token': '[UNK]', 'continuing_subword_prefix': rng.choice(('##', '##', '', 'a')),
                 'max_input_chars_per_word': rng.choice((100, 100, 5, 1)), 'vocab': vocab}
        flag = lambda: rng.random() < 0.5
        normalizer = random_normalizer(rng, characters, bert_normalizer(
            flag(), clean_text=flag(), handle_chinese_chars=flag(), strip_accents=rng.choice((None, True, False))))
        splitter = {'type': 'BertPreTokenizer'}
    else:
        alphabet = byte_alphabet()
        symbols = sorted({alphabet[b] for b in characters.encode()})
        vocab = random_vocabulary(rng, symbols, '', ['<u>'])
        for symbol in symbols:
            if rng.random() < 0.9:
                vocab.setdefault(symbol, max(vocab.values()) + 1)
        merges = [(x[:i], x[i:]) for x in vocab for i in range(1, len(x)) if x[:i] in vocab and x[i:] in vocab]
        rng.shuffle(merges)
        merges += rng.sample(merges, min(len(merges), rng.choice((0, 0, 3))))
        model = {'type': 'BPE', 'dropout': None, 'unk_token': rng.choice((None, '<u>')), 'fuse_unk': rng.random() < 0.5,
                 'continuing_subword_prefix': None, 'end_of_word_suffix': None, 'byte_fallback': False,
                 'ignore_merges': rng.random() < 0.3, 'vocab': vocab, 'merges': merges}
        normalizer = random_normalizer(rng, characters)
        splitter = {'type': 'ByteLevel', 'add_prefix_space': rng.random() < 0.5, 'trim_offsets': True, 'use_regex': True}
    processor = random_processor(rng)
    return characters, file_of(model, normalizer, splitter, processor, random_added(rng, characters, vocab, model))


def configurations(program, seed, count):
    rng = random.Random(f'{seed} configurations')
    strings = 0
    refused = collections.Counter()
    for i in range(count):
        characters, spec = random_configuration(rng)
        texts = [''.join(rng.choice(characters) for _ in range(rng.choice((1, 3, 8, 20, 80)))) for _ in range(60)]
        texts += rng.sample(TEXTS, 10)
        got = ours(program, spec, texts)
        if isinstance(got, str):                          # first: the library may abort where we refuse
            refused[re.sub(r"'[^']*'|/\S*json", '_', got.strip())] += 1
            continue
        strings += compare(f'configuration {i}', program, spec, texts, got=got)
        if any(token['special'] for token in spec['added_tokens']):
            strings += compare(f'configuration {i}', program, spec, texts, split=True)
        strings += some_pairs(rng, f'configuration {i}', program, spec, texts, rng.choice(('longest_first', 'only_first', 'only_second')))
    print(f'configurations: {count} made, {strings} strings compared')
    for reason, times in refused.most_common():
        print(f'  refused by us {times} times: {reason}')


def corpora(program, shared):
    data = shared / 'data'
    lines = (data / 'mrpc-train.tsv').read_text(encoding='utf-8').split('\n')
    texts = [x for line in lines for x in line.split('\t') if x and not x.strip().isdigit()]
    texts += json.loads((data / 'corpus/blns.json').read_text(encoding='utf-8'))
    with open(data / 'corpus/tatoeba-multilingual.tsv', encoding='utf-8') as file:
        texts += [line.rstrip('\n').split('\t')[-1] for _, line in zip(range(20000), file)]
    for name, spec in published(shared).items():
        print(f'corpora {name}: {compare(name, program, spec, texts)} texts')


def vectors(program, shared):
    """Other projects' vectors for the published vocabularies."""
    global failures
    data, cases = shared / 'data/vectors', collections.defaultdict(list)
    names = {'roberta-base': 'RoBERTa', 'bert-base-uncased': 'BERT uncased', 't5-small': 'T5', 'bert-base-cased': 'BERT cased',
             'bert-base-multilingual-cased': 'BERT multilingual cased'}
    for model, entry in json.loads((data / 'iree-tokenizer_corpus.json').read_text(encoding='utf-8'))['models'].items():
        for case in entry['tests']:
            name = names.get(model.split('/')[-1])
            cases[name, case.get('add_special_tokens', True)].append((case['input'], case['golden_ids']))
    for case in json.loads((data / 'transformers.json').read_text(encoding='utf-8')):
        if isinstance(case.get('input'), str) and 'ids' in case:
            cases[names.get(case['tokenizer']), case['special']].append((case['input'], case['ids']))
    blocks = (data / 'llama.cpp/ggml-vocab.inp').read_bytes().decode().split('\n__ggml_vocab_test__\n')
    for name, file in (('RoBERTa', 'roberta-bpe'), ('BERT uncased', 'bert-bge')):
        lines = (data / f'llama.cpp/{file}.out').read_text().split('\n')
        cases[name, False] += [(text, [int(x) for x in line.split()]) for text, line in zip(blocks, lines)]
    for name, spec in published(shared).items():
        for special in (True, False):
            pairs = cases[name, special]
            got = ours(program, spec, [text for text, _ in pairs], *([] if special else ['--no-special']))
            bad = [(text, want, ids) for (text, want), ids in zip(pairs, got) if want != ids]
            failures += len(bad)
            for text, want, ids in bad[:3]:
                print(f'DIFFERENT vector {name}: {json.dumps(text)}\n  theirs {want}\n  ours   {ids}')
            print(f'vectors {name}, special tokens {special}: {len(pairs)}')


def model_files(program, shared, seed, count):
    """sentencepiece's own files in folders without tokenizer.json: needs transformers and sentencepiece too."""
    global failures
    try:
        os.environ['HF_HUB_OFFLINE'] = '1'
        import sentencepiece  # transformers reads model files with it
        import transformers
    except ImportError as error:
        print(f'model files: left out, no Python package "{error.name}"')
        return
    for path in sorted((shared / 'data/unigram').glob('*/*.model')):
        pieces = sentencepiece.SentencePieceProcessor(str(path))
        rng = random.Random(f'{seed} {path.name}')
        words = [as_text(pieces.id_to_piece(i)) for i in range(len(pieces))]
        texts = [random_text(rng, words) for _ in range(count)]
        for tokenizer_class in ('XLMRobertaTokenizer', 'CamembertTokenizer'):
            with tempfile.TemporaryDirectory() as folder:
                shutil.copy(path, f'{folder}/sentencepiece.bpe.model')
                pathlib.Path(folder, 'tokenizer_config.json').write_text(json.dumps({'tokenizer_class': tokenizer_class}))
                reference = transformers.AutoTokenizer.from_pretrained(folder)._tokenizer
                got = run(program, ['--folder', folder], texts)
            want = [row.ids for row in reference.encode_batch_fast(texts)]
            bad = [i for i, ids in enumerate(want) if got[i] != ids] if isinstance(got, list) else [got]
            failures += len(bad)
            for i in bad[:3]:
                print(f'DIFFERENT {path.name} {tokenizer_class}:', i if isinstance(i, str) else (texts[i], want[i], got[i]))
            print(f'model file {path.name}, {tokenizer_class}: {len(texts)} strings')


def published(shared):
    data = shared / 'data'
    specs = {name: json.loads((data / path).read_text(encoding='utf-8')) for name, path in {
        'RoBERTa': 'roberta/tokenizer.json', 'BERT uncased': 'bert/bert-base-uncased/tokenizer.json',
        'BERT multilingual cased': 'bert/bert-base-multilingual-cased/tokenizer.json',
        'T5': 'unigram/t5-small/tokenizer.json', 'Unigram nmt': 'unigram/nmt/tokenizer.json'}.items()}
    lines = (data / 'bert/bert-base-cased/vocab.txt').read_text(encoding='utf-8').split('\n')[:-1]
    vocab = {line: i for i, line in enumerate(lines)}
    specs['BERT cased'] = merge_patch(specs['BERT multilingual cased'], {'added_tokens': [
        token(vocab[x], x) for x in ('[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]')]})
    specs['BERT cased']['model']['vocab'] = vocab
    return specs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('program', metavar='TOKENIZER_IDS')
    parser.add_argument('--strings', type=int, default=24000, help='generated strings for each vocabulary')
    parser.add_argument('--configurations', type=int, default=250)
    parser.add_argument('--seed', default='1')
    parser.add_argument('--shared', type=pathlib.Path, default=pathlib.Path('../shared'))
    parser.add_argument('--only', choices=(
        'generated', 'scalars', 'configurations', 'corpora', 'vectors', 'model_files'))
    args = parser.parse_args()
    if tokenizers.__version__ != VERSION:
        print(f'SKIPPED: tokenizers {tokenizers.__version__} is installed, the parity target is {VERSION}')
        sys.exit(77)
    bases = {name: json.loads((TESTDATA / f'{name}.json').read_text()) for name in BASES}
    vocabularies = {f'{name}/{variant}': merge_patch(base, patch) for name, base in bases.items()
                    for variant, patch in variants(base).items() if variant in ('plain', 'added', 'lowercase_first')}
    present = (args.shared / 'data/mrpc-train.tsv').exists()
    if present:
        vocabularies |= published(args.shared)
    parts = {'generated': lambda: generated(args.program, args.seed, args.strings, vocabularies),
             'scalars': lambda: scalars(args.program, {name: bases[name] for name in ('word_piece_uncased', 'byte_level', 'unigram')}),
             'configurations': lambda: configurations(args.program, args.seed, args.configurations)}
    if present:
        parts['corpora'] = lambda: corpora(args.program, args.shared)
        parts['vectors'] = lambda: vectors(args.program, args.shared)
        parts['model_files'] = lambda: model_files(args.program, args.shared, args.seed, args.strings // 4)
    else:
        print(f'no data in {args.shared}: published vocabularies and corpora are left out')
    for name, part in parts.items():
        if args.only in (None, name):
            part()
    print(f'{failures} differences')
    sys.exit(1 if failures else 0)


if __name__ == '__main__':
    main()
