#!/usr/bin/env python3
"""Generates unicode_tables.inc: what each Unicode scalar is to the reference library.

  generate_unicode_tables.py           writes model/tokenizer/unicode_tables.inc
  generate_unicode_tables.py --check   exits 1 if the committed file is not what would be written

Exits 77 (ctest: skipped) where the library is not installed.

Needs `pip install tokenizers==0.23.3`. That library carries four versions of Unicode at once, so no other source of
character properties gives its ids; every table is therefore probed from the library itself, one scalar at a time.
"""
import argparse
import itertools
import pathlib
import platform
import struct
import sys

try:
    import tokenizers
    from tokenizers import normalizers, pre_tokenizers
except ImportError:
    print('SKIPPED: no Python package "tokenizers": run scripts/venv test')
    sys.exit(77)

VERSION = '0.23.3'
OUTPUT = pathlib.Path(__file__).resolve().with_name('unicode_tables.inc')
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
CLASSES = ('letter', 'number', 'space', 'word', 'punctuation', 'dropped', 'cjk', 'nonspacing')  # bit 0, 1, ...
CLUSTERS = ('joins left', 'cluster extend', 'joins right', 'cluster control', 'pictographic', 'conjunct consonant',
            'conjunct linker', 'conjunct extend')  # bit 0, 1, ...
BLOCK = 64  # scalars a block of the second stage; unicode_tables.h knows it as kUnicodeBlockBits


def in_parts(items, size=1024):
    items = iter(items)
    return iter(lambda: list(itertools.islice(items, size)), [])


def pattern_classes():
    """(letters, numbers, white space) of the byte-level pattern.

    In "aC!C1" a letter C joins the a; a number joins the 1; anything that is neither joins the '!'; white space none.
    """
    split = pre_tokenizers.ByteLevel(add_prefix_space=False)
    letters, numbers, spaces = set(), set(), set()
    for part in in_parts(SCALARS):
        starts = {begin for _, (begin, _) in split.pre_tokenize_str('\n'.join(f'a{chr(c)}!{chr(c)}1' for c in part))}
        for i, c in enumerate(part):
            joins_a, joins_mark, joins_1 = (6 * i + k not in starts for k in (1, 3, 4))
            if joins_a:
                letters.add(c)
            elif c == 0x20 or not joins_mark and not joins_1:
                spaces.add(c)
            elif joins_1:
                numbers.add(c)
    return letters, numbers, spaces


def bert_splits():
    """(white space, punctuation) of the BERT pre-tokenizer: it drops the one and isolates the other."""
    split = pre_tokenizers.BertPreTokenizer()
    spaces, punctuation = set(), set()
    for part in in_parts(SCALARS):
        ends = dict(where for _, where in split.pre_tokenize_str(' '.join(f'a{chr(c)}a' for c in part)))
        for i, c in enumerate(part):
            if ends.get(4 * i) == 4 * i + 1:
                (punctuation if ends.get(4 * i + 1) == 4 * i + 2 else spaces).add(c)
    return spaces, punctuation


def changed_by(normalizer, guard, divider='|'):
    """{scalar: string} of what the normalizer changes, each scalar between two guards."""
    changed = {}
    for part in in_parts(c for c in SCALARS if chr(c) != divider):
        rows = normalizer.normalize_str(divider.join(guard + chr(c) + guard for c in part)).split(divider)
        assert len(rows) == len(part), f'{part[0]:X}'
        changed.update((c, row[1:-1]) for c, row in zip(part, rows) if row[1:-1] != chr(c))
    return changed


def bert(option):
    options = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**options, option: True})


def word_characters():
    """Scalars that forbid a single_word added token to their right."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel({'?': 0}, unk_token='?'))
    tokenizer.add_tokens([tokenizers.AddedToken('QQ', single_word=True, normalized=False)])
    token, found = tokenizer.token_to_id('QQ'), {ord('Q')}
    for part in in_parts((c for c in SCALARS if c != ord('Q')), 128):
        encoding = tokenizer.encode(''.join(f'{chr(c)}QQ ' for c in part), add_special_tokens=False)
        begins = {begin for id_, (begin, _) in zip(encoding.ids, encoding.offsets) if id_ == token}
        found.update(c for i, c in enumerate(part) if 4 * i + 1 not in begins)
    return found


def combining_classes(nfd):
    """{scalar: canonical combining class}, from the pairs that NFD reorders.

    The numbers come from Python's tables for one mark of each class; old marks never change theirs.
    """
    import unicodedata
    decompose = normalizers.NFD()

    def swapped(pairs):
        rows = decompose.normalize_str('|'.join(f'a{x}{y}' for x, y in pairs)).split('|')
        return [x != y and row == f'a{y}{x}' for row, (x, y) in zip(rows, pairs)]

    marks = []
    for part in in_parts((chr(c) for c in SCALARS if c not in nfd and c != ord('|')), 2048):
        after = swapped([(c, '\u0334') for c in part])       # class 1, the lowest
        before = swapped([('\u0345', c) for c in part])      # class 240, the highest
        marks += [c for c, x, y in zip(part, after, before) if x or y]
    example = {}
    for mark in marks:
        if unicodedata.combining(mark):
            example.setdefault(unicodedata.combining(mark), mark)
    values = sorted(example)
    classes = dict.fromkeys(marks, values[0])
    for value, following in zip(values, values[1:]):
        for mark, beyond in zip(marks, swapped([(mark, example[value]) for mark in marks])):
            if beyond:
                classes[mark] = following
    return {ord(mark): value for mark, value in classes.items()}


def charsmap(key):
    """The Precompiled normalizer that maps `key` to "X": a darts-clone array with one node a block of 256 units."""
    key = key.encode()
    units = [1 << 31] * (256 * (len(key) + 2))               # bit 31: no byte's label
    node = 0
    for depth, byte in enumerate(key, 1):
        base = 256 * depth
        units[node] |= (node ^ base) << 10
        node = base ^ byte
        units[node] = byte
    base = 256 * (len(key) + 1)
    units[node] |= (node ^ base) << 10 | 1 << 8              # has a leaf, whose value is the offset of "X"
    units[0] &= ~(1 << 31)
    blob = struct.pack(f'<{len(units)}I', *units)
    return normalizers.Precompiled(struct.pack('<I', len(blob)) + blob + b'X\0')


def cluster_classes():
    """{name: scalars}: how the Precompiled normalizer cuts a text into grapheme clusters.

    An entry replaces a whole cluster below six bytes that begins with it, but only its own characters in a longer one:
    whether the neighbours of an entry survive tells where the clusters end.
    """
    every = {c for c in SCALARS if c != 0x0A}

    def where(entry, pattern, ending, among=every):
        found, normalizer = set(), charsmap(entry)
        for part in in_parts(sorted(among)):
            rows = normalizer.normalize_str('\n'.join(pattern % chr(c) for c in part)).split('\n')
            found.update(c for c, row in zip(part, rows) if row.endswith(ending))
        return found

    joins_left = where('a', 'a%s', 'X', every - {ord('a'), ord('X')})
    joins_right = where('b', '%sb\u0301', 'X\u0301')
    return dict(zip(CLUSTERS, (
        joins_left,
        where('\u2122', '\U0001f600%s\u200d\u2122\u0301', 'X\u0301', joins_left),
        joins_right,
        where('\u0301', '%s\u0301\u0302', 'X', every - joins_left - {0x0D}) | {0x0A, 0x0D},
        where('\u2122', '%s\u200d\u2122\u0301', 'X\u0301', every - joins_right),
        where('\u0958', '%s\u094d\u0958\u0301', 'X\u0301', every - joins_right),
        where('\u0958', '\u0915%s\u0958\u0301', 'X\u0301', every - joins_right),
        where('\u0958', '\u0915\u094d%s\u0958\u0301', 'X\u0301', every - joins_right))))


def compositions(nfd):
    """[(first, second, composite)]: the pairs that NFC joins, Hangul apart."""
    compose = normalizers.NFC()
    pairs = [(compose.normalize_str(row[:-1]), row[-1], chr(c)) for c, row in nfd.items()
             if compose.normalize_str(chr(c)) == chr(c)]
    assert all(len(first) == 1 and compose.normalize_str(first + second) == c for first, second, c in pairs)
    return sorted((ord(first), ord(second), ord(c)) for first, second, c in pairs)


def jamo(c):
    lead, rest = divmod(c - 0xAC00, 588)
    vowel, tail = divmod(rest, 28)
    return chr(0x1100 + lead) + chr(0x1161 + vowel) + (chr(0x11A7 + tail) if tail else '')


def array(ctype, name, values):
    out, line = [f'const {ctype} {name}[{len(values)}] = {{'], '   '
    for value in values:
        item = f' {value},'
        if len(line) + len(item) > 100:
            out.append(line)
            line = '   '
        line += item
    return out + [line, '};']


def two_stages(ctype, name, values):
    """Stage one: the number of each block's content; stage two: the different contents, one after the other."""
    contents, first = {}, []
    for at in range(0, 0x110000, BLOCK):
        first.append(contents.setdefault(tuple(values[at:at + BLOCK]), len(contents)))
    return (array('uint16_t', f'{name}Blocks', first) +
            array(ctype, f'{name}Values', list(itertools.chain.from_iterable(contents))))


def tables():
    letters, numbers, spaces = pattern_classes()
    white, punctuation = bert_splits()
    clean = changed_by(bert('clean_text'), 'a')
    nfd = changed_by(normalizers.NFD(), '1')
    sets = {
        'letter': letters, 'number': numbers, 'space': spaces, 'word': word_characters(), 'punctuation': punctuation,
        'dropped': {c for c, row in clean.items() if not row},
        'cjk': set(changed_by(bert('handle_chinese_chars'), 'a')),
        'nonspacing': {c for c, row in changed_by(bert('strip_accents'), '1').items() if not row and c not in nfd},
    }
    # Rules that normalizer.cc relies on instead of tables of their own.
    assert white == spaces and {c for c, row in clean.items() if row} == spaces - sets['dropped'] - {0x20}
    classes = [0] * 0x110000
    for bit, name in enumerate(CLASSES):
        for c in sets[name]:
            classes[c] |= 1 << bit
    lines = two_stages('uint8_t', 'kClass', classes)

    combining = [0] * 0x110000
    for c, value in combining_classes(nfd).items():
        combining[c] = value
    lines += two_stages('uint8_t', 'kCombiningClass', combining)

    assert all(nfd.pop(c) == jamo(c) for c in range(0xAC00, 0xD7A4))
    where, pool = [0] * 0x110000, []
    for c, row in sorted(nfd.items()):
        assert 1 <= len(row) <= 7
        where[c] = len(pool) << 3 | len(row)
        pool += [ord(x) for x in row]
    assert max(where) < 0x10000
    lines += two_stages('uint16_t', 'kDecomposition', where) + array('char32_t', 'kDecompositionPool', pool)

    nfkd = {c: row for c, row in changed_by(normalizers.NFKD(), '1', '\n').items() if not 0xAC00 <= c < 0xD7A4}
    assert nfd.keys() <= nfkd.keys()
    compatibility = {c: row for c, row in nfkd.items() if nfd.get(c) != row}
    where, pool = [0] * 0x110000, []
    for c, row in sorted(compatibility.items()):
        assert 1 <= len(row) <= 18
        where[c] = len(pool) << 5 | len(row)
        pool += [ord(x) for x in row]
    lines += two_stages('uint32_t', 'kCompatibility', where) + array('char32_t', 'kCompatibilityPool', pool)

    pairs = compositions(nfd)
    lines.append(f'const std::size_t kCompositions = {len(pairs)};')
    lines += array('uint64_t', 'kCompositionPairs', [first << 32 | second for first, second, _ in pairs])
    lines += array('char32_t', 'kComposites', [c for _, _, c in pairs])

    nmt = changed_by(normalizers.Nmt(), 'a')
    erased = {'mark': set(changed_by(normalizers.StripAccents(), '1')),
              'dropped by Nmt': {c for c, row in nmt.items() if not row},
              'space by Nmt': {c for c, row in nmt.items() if row == ' '}}
    assert len(nmt) == len(erased['dropped by Nmt']) + len(erased['space by Nmt'])
    erased_class = [0] * 0x110000
    for bit, name in enumerate(erased):
        for c in erased[name]:
            erased_class[c] |= 1 << bit
    lines += two_stages('uint8_t', 'kErased', erased_class)

    lower = changed_by(bert('lowercase'), 'a')
    assert lower.pop(0x130) == 'i\u0307' and all(len(row) == 1 for row in lower.values())
    shifts = [0] + sorted({ord(row) - c for c, row in lower.items()})
    assert len(shifts) <= 256
    shift = [0] * 0x110000
    for c, row in lower.items():
        shift[c] = shifts.index(ord(row) - c)
    lines += two_stages('uint8_t', 'kLowerShift', shift) + array('int32_t', 'kLowerShifts', shifts)

    clusters = cluster_classes()
    cluster = [0] * 0x110000
    for bit, name in enumerate(CLUSTERS):
        for c in clusters[name]:
            cluster[c] |= 1 << bit
    lines += two_stages('uint8_t', 'kCluster', cluster)
    counts = {**{name: len(sets[name]) for name in CLASSES}, **{name: len(clusters[name]) for name in CLUSTERS},
              **{name: len(scalars) for name, scalars in erased.items()}, 'combining class': sum(map(bool, combining)),
              'decomposition (Hangul apart)': len(nfd), 'compatibility decomposition of its own': len(compatibility),
              'composite (Hangul apart)': len(pairs), 'lower case (U+0130 apart)': len(lower)}
    return counts, lines


def generated():
    counts, lines = tables()
    head = [f'// Generated by {pathlib.Path(__file__).name} from tokenizers {tokenizers.__version__} '
            f'({platform.system()} {platform.machine()}).',
            f'// {len(SCALARS)} scalars probed; scalars in each table:']
    head += [f'//   {count:7} {name}' for name, count in counts.items()]
    return '\n'.join(head + [f'static_assert(kUnicodeBlockSize == {BLOCK});'] + lines) + '\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--check', action='store_true', help='compare instead of writing')
    args = parser.parse_args()
    if tokenizers.__version__ != VERSION:
        print(f'SKIPPED: tokenizers {tokenizers.__version__} is installed; the tables belong to {VERSION}')
        sys.exit(77)
    text = generated()
    if not args.check:
        OUTPUT.write_text(text)
    elif OUTPUT.read_text() != text:
        sys.exit(f'{OUTPUT.name} is not what tokenizers {VERSION} gives: run {pathlib.Path(__file__).name} again')


if __name__ == '__main__':
    main()
