"""The small tokenizers of testdata/ and how the goldens vary them. Needs tokenizers==0.23.3."""
import base64
import copy
import json
import struct

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, trainers

from oracle_texts import TRAINING

VERSION = '0.23.3'
BERT_SPECIALS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
ROBERTA_SPECIALS = ['<s>', '<pad>', '</s>', '<unk>']


def token(id_, content, **flags):
    return {'id': id_, 'content': content, 'single_word': False, 'lstrip': False, 'rstrip': False, 'normalized': False,
            'special': True, **flags}


def template(before, after, ids):
    def special(name, type_id=0):
        return {'SpecialToken': {'id': name, 'type_id': type_id}}

    single = [special(x) for x in before] + [{'Sequence': {'id': 'A', 'type_id': 0}}] + [special(x) for x in after]
    pair = single + [{'Sequence': {'id': 'B', 'type_id': 1}}]
    return {'type': 'TemplateProcessing', 'single': single, 'pair': pair,
            'special_tokens': {name: {'id': name, 'ids': numbers, 'tokens': [name] * len(numbers)}
                               for name, numbers in ids.items()}}


def bert_normalizer(lowercase, **changes):
    return {'type': 'BertNormalizer', 'clean_text': True, 'handle_chinese_chars': True, 'strip_accents': None,
            'lowercase': lowercase, **changes}


def file_of(model, normalizer, pre_tokenizer, post_processor, added):
    return {'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': added, 'normalizer': normalizer,
            'pre_tokenizer': pre_tokenizer, 'post_processor': post_processor, 'decoder': None, 'model': model}


def train_word_piece(lowercase):
    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token='[UNK]'))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(TRAINING, trainers.WordPieceTrainer(
        vocab_size=520, special_tokens=BERT_SPECIALS, show_progress=False))
    model = json.loads(tokenizer.to_str())['model']
    # The trainer breaks ties by chance: order what it found.
    names = BERT_SPECIALS + sorted(x for x in model['vocab'] if x not in BERT_SPECIALS)
    model['vocab'] = {name: i for i, name in enumerate(names)}
    return file_of(model, bert_normalizer(lowercase), {'type': 'BertPreTokenizer'},
                   template(['[CLS]'], ['[SEP]'], {'[CLS]': [2], '[SEP]': [3]}),
                   [token(i, x) for i, x in enumerate(BERT_SPECIALS)])


def train_byte_level():
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(TRAINING * 2, trainers.BpeTrainer(
        vocab_size=520, special_tokens=ROBERTA_SPECIALS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False))
    model = json.loads(tokenizer.to_str())['model']
    model['vocab']['<mask>'] = len(model['vocab'])
    model['merges'] = [' '.join(pair) for pair in model['merges']]
    added = [token(i, x, normalized=True) for i, x in enumerate(ROBERTA_SPECIALS)]
    added.append(token(model['vocab']['<mask>'], '<mask>', lstrip=True, normalized=True))
    return file_of(model, None, {'type': 'ByteLevel', 'add_prefix_space': False, 'trim_offsets': True},
                   {'type': 'RobertaProcessing', 'sep': ['</s>', 2], 'cls': ['<s>', 0], 'trim_offsets': True,
                    'add_prefix_space': False}, added)


def numbered(vocab, contents):
    """{content: id} as the library numbers added tokens: the vocabulary's id, else the next from its count."""
    ids = {}
    for content in contents:
        ids[content] = vocab.get(content, len(vocab) + sum(x not in vocab for x in ids))
    return ids


def plain_added(vocab):
    """Tokens for every flag."""
    flags = {'ab': dict(single_word=True), 'b!': {}, 'lst': dict(lstrip=True), 'rst': dict(rstrip=True),
             'NORM': dict(normalized=True), '\u00e9acc': dict(normalized=True), ' \t': {}, 'lstr': {}}
    ids = numbered(vocab, flags)
    return [token(ids[content], content, special=False, **flag) for content, flag in flags.items()]


def charsmap(entries):
    """A Precompiled normalizer of {string: string}: a darts-clone array, each node at the first base that is free."""
    values, strings = {}, b''
    for key, value in entries.items():
        values[key.encode()] = len(strings)
        strings += value.encode() + b'\0'
    children = {}
    for key in values:
        for i in range(len(key)):
            children.setdefault(key[:i], set()).add(key[i])
    units, taken, bases, place = {}, {0}, set(), {b'': 0}
    for prefix in sorted(children.keys() | values.keys(), key=lambda x: (len(x), x)):
        labels = sorted(children.get(prefix, ())) + ([0] if prefix in values else [])
        base = next(b for b in range(1, 1 << 20) if b not in bases and not any(b ^ x in taken for x in labels))
        bases.add(base)
        taken |= {base ^ x for x in labels}
        place |= {prefix + bytes([x]): base ^ x for x in labels if x}
        node = place[prefix]
        units[node] = units.get(node, 0) | (node ^ base) << 10 | (prefix in values) << 8 | (prefix[-1] if prefix else 0)
        if prefix in values:
            units[base] = 1 << 31 | values[prefix]
    array = [units.get(i, 1 << 31) for i in range((max(bases) | 0xFF) + 1)]
    blob = struct.pack(f'<I{len(array)}I', 4 * len(array), *array) + strings
    return {'type': 'Precompiled', 'precompiled_charsmap': base64.b64encode(blob).decode()}


# A little of nmt_nfkc: compositions, compatibility, spaces, what vanishes.
CHARSMAP = {'\t': ' ', '\n': ' ', '\r': ' ', '\u00a0': ' ', '\u3000': ' ', '\u200b': ' ', '\x01': '', '\u2122': 'TM',
            '\u00bd': '1\u20442', 'e\u0301': '\u00e9', 'E\u0301': '\u00c9', 'e\u0302\u0301': '\u1ebf', '\uff21': 'A', '\uff71': '\u30a2',
            '\u2581': ' ', '\u0340': '\u0300', '\u0958': '\u0915\u093c', '\ufdfa': 'a b c', '\ufb01': 'fi'}
METASPACE = {'type': 'Metaspace', 'replacement': '\u2581', 'prepend_scheme': 'always', 'split': True}


def train_unigram():
    tokenizer = tokenizers.Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.train_from_iterator(TRAINING, trainers.UnigramTrainer(
        vocab_size=400, special_tokens=['<unk>'], unk_token='<unk>', show_progress=False))
    model = json.loads(tokenizer.to_str())['model']
    pieces = [[x, 0.0] for x in ROBERTA_SPECIALS] + [x for x in model['vocab'] if x[0] != '<unk>'] + [['<mask>', 0.0]]
    model = {'type': 'Unigram', 'unk_id': 3, 'vocab': pieces, 'byte_fallback': False}
    added = [token(i, x) for i, x in enumerate(ROBERTA_SPECIALS)] + [token(len(pieces) - 1, '<mask>', lstrip=True)]
    return file_of(model, charsmap(CHARSMAP), {'type': 'Sequence', 'pretokenizers': [{'type': 'WhitespaceSplit'}, METASPACE]},
                   template(['<s>'], ['</s>'], {'<s>': [0], '</s>': [2]}), added)


def unigram_variants(base):
    vocab, missing = base['model']['vocab'], set('aeinrst')
    no_type = dict.fromkeys(base['normalizer'])
    fewer = [x for x in vocab if x[0] not in missing]
    return {
        'never': {'pre_tokenizer': {'pretokenizers': [{'type': 'WhitespaceSplit'}, {**METASPACE, 'prepend_scheme': 'never'}]}},
        'alone': {'pre_tokenizer': {'pretokenizers': None, **METASPACE}},
        'alone_never': {'pre_tokenizer': {'pretokenizers': None, **METASPACE, 'prepend_scheme': 'never'}},
        'first': {'pre_tokenizer': {'pretokenizers': [{'type': 'WhitespaceSplit'}, {**METASPACE, 'prepend_scheme': 'first'}]}},
        'first_alone': {'pre_tokenizer': {'pretokenizers': None, **METASPACE, 'prepend_scheme': 'first'}, 'normalizer': {
            **no_type, 'type': 'Sequence', 'normalizers': [{'type': 'Strip', 'strip_left': True, 'strip_right': True}, {
                'type': 'Replace', 'pattern': {'String': 'a'}, 'content': 'a a'}]}},
        'no_split': {'pre_tokenizer': {'pretokenizers': None, **METASPACE, 'split': False}},
        'words_no_split': {'pre_tokenizer': {'pretokenizers': [{'type': 'WhitespaceSplit'}, {**METASPACE, 'split': False}]}},
        'old_style': {'pre_tokenizer': {'pretokenizers': [{'type': 'WhitespaceSplit'}, {
            'type': 'Metaspace', 'replacement': '\u2581', 'str_rep': 'x', 'add_prefix_space': True}]}},
        'no_normalizer': {'normalizer': None},
        'strip_replace': {'normalizer': {**no_type, 'type': 'Sequence', 'normalizers': [
            base['normalizer'], {'type': 'Strip', 'strip_left': True, 'strip_right': True},
            {'type': 'Replace', 'pattern': {'Regex': ' {2,}'}, 'content': '\u2581'},
            {'type': 'Replace', 'pattern': {'String': 'tt'}, 'content': 't'}, {'type': 'NFD'}]}},
        'unknown': {'model': {'vocab': fewer + [['an', -30.0]], 'unk_id': 0}, 'added_tokens': [], 'post_processor': None},
        'byte_fallback': {'model': {'vocab': fewer + [[f'<0x{b:02X}>', -20.0] for b in range(256)], 'byte_fallback': True},
                          'added_tokens': base['added_tokens'][:4]},
        'byte_fallback_ascii': {'model': {'vocab': fewer + [[f'<0x{b:02X}>', -20.0] for b in range(128)],
                                          'byte_fallback': True}, 'added_tokens': base['added_tokens'][:4]},
        'repeated': {'model': {'vocab': vocab + [['the', -1.0], ['\u2581the', -50.0], ['', 0.0]]}},
    }


def vocabulary_of(spec):
    """{piece: id}"""
    vocab = spec['model']['vocab']
    return vocab if isinstance(vocab, dict) else {piece: i for i, (piece, _) in enumerate(vocab)}


def variants(base):
    """{name: merge patch (RFC 7396) over the small tokenizer} of one family."""
    added = base['added_tokens']
    no_type = dict.fromkeys(base['normalizer'] or {})
    common = {
        'plain': {},
        'added': {'added_tokens': added + plain_added(vocabulary_of(base))},
        'normalized_specials': {'added_tokens': [{**x, 'normalized': True} for x in added]},
        'lowercase_first': {'added_tokens': [{**x, 'normalized': True} for x in added], 'normalizer': {
            'type': 'Sequence', 'normalizers': [{'type': 'Lowercase'}] + (
                [base['normalizer']] if base['normalizer'] else [])}},
        'template': {'post_processor': {**dict.fromkeys(base['post_processor']), 'type': 'Sequence', 'processors': [
            {'type': 'ByteLevel', 'add_prefix_space': True, 'trim_offsets': True},
            template(['x', 'y'], ['x'], {'x': [7, 8], 'y': [9]})]}},
        'no_post_processor': {'post_processor': None},
        'nfkc': {'normalizer': {**no_type, 'type': 'Sequence', 'normalizers': [
            {'type': 'Nmt'}, {'type': 'NFKC'}, {'type': 'Prepend', 'prepend': '\u2581'}]}},
        'nfc': {'normalizer': {**no_type, 'type': 'NFC'}},
        'nfkd_no_marks': {'normalizer': {**no_type, 'type': 'Sequence', 'normalizers': [
            {'type': 'NFKD'}, {'type': 'StripAccents'}, {'type': 'Strip', 'strip_left': True, 'strip_right': False}]}},
    }
    if base['model']['type'] == 'Unigram':
        common |= unigram_variants(base)
    elif base['model']['type'] == 'WordPiece':
        lower = base['normalizer']['lowercase']
        common |= {
            'no_clean': {'normalizer': bert_normalizer(lower, clean_text=False)},
            'no_cjk': {'normalizer': bert_normalizer(lower, handle_chinese_chars=False)},
            'strip': {'normalizer': bert_normalizer(lower, strip_accents=not lower)},
            'nfd': {'normalizer': {'type': 'NFD'}},
            'no_normalizer': {'normalizer': None},
            'short_words': {'model': {'max_input_chars_per_word': 4}},
            'prefix': {'model': {'continuing_subword_prefix': ''}},
            'other_unk': {'model': {'unk_token': '[PAD]'}},
        }
    else:
        common |= {
            'prefix_space': {'pre_tokenizer': {'add_prefix_space': True}},
            'ignore_merges': {'model': {'ignore_merges': True}},
            'pairs': {'model': {'merges': [x.split(' ') for x in base['model']['merges']]}},
            'repeated_merges': {'model': {'merges': base['model']['merges'] + base['model']['merges'][:40]}},
            'reversed_merges': {'model': {'merges': base['model']['merges'][::-1]}},
            'missing_bytes': {'model': {'vocab': {x: None for x in 'xyzQ!\u0120\u0122'}, 'merges': []}},
            'missing_unk': {'model': {'vocab': {x: None for x in 'xyzQ!\u0120\u0122'}, 'merges': [], 'unk_token': '<unk>'}},
            'missing_fused': {'model': {'vocab': {x: None for x in 'xyzQ!\u0120\u0122'}, 'merges': [],
                                        'unk_token': '<unk>', 'fuse_unk': True}},
        }
    return common


def varint(number):
    out = b''
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def message(*fields):
    """A protobuf message of (number, value): bytes, text, an integer as varint or a float as 32 bits."""
    out = b''
    for number, value in fields:
        value = value.encode() if isinstance(value, str) else value
        if isinstance(value, bytes):
            out += varint(number << 3 | 2) + varint(len(value)) + value
        elif isinstance(value, float):
            out += varint(number << 3 | 5) + struct.pack('<f', value)
        else:
            out += varint(number << 3) + varint(value)
    return out


def sentencepiece_model(spec):
    """sentencepiece.bpe.model for a Unigram tokenizer: <unk>, <s>, </s>, its pieces less the four in front and <mask>.

    model.kinds = {piece: type} says which are not normal; others that it names are put behind the pieces."""
    kinds = {'<unk>': 2, '<s>': 3, '</s>': 3, **spec['model'].get('kinds', {})}
    pieces = [[x, 0.0] for x in ('<unk>', '<s>', '</s>')] + spec['model']['vocab'][4:-1]
    pieces += [[x, -1.5] for x in sorted(kinds) if x not in [name for name, _ in pieces]]
    fields = [(1, message((1, piece), (2, float(score)), *[(3, kinds[x]) for x in [piece] if x in kinds]))
              for piece, score in pieces]
    fields.append((2, message((3, spec['model'].get('model_type', 1)), (4, 400))))
    blob = base64.b64decode((spec.get('normalizer') or {}).get('precompiled_charsmap', ''))
    return message(*fields, (3, message((1, 'nmt_nfkc'), *[(2, blob)] * bool(blob), (3, 1))))


def merge_patch(target, patch):
    if not isinstance(patch, dict):
        return patch
    result = copy.deepcopy(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def load(spec):
    """The reference for a tokenizer.json value, truncation and padding off."""
    reference = tokenizers.Tokenizer.from_str(json.dumps(spec))
    reference.no_truncation()
    reference.no_padding()
    return reference
