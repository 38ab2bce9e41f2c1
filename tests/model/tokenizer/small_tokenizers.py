"""The small tokenizers of testdata/ and how the goldens vary them. Needs tokenizers==0.23.3."""
import copy
import json

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


def variants(base):
    """{name: merge patch (RFC 7396) over the small tokenizer} of one family."""
    added = base['added_tokens']
    common = {
        'plain': {},
        'added': {'added_tokens': added + plain_added(base['model']['vocab'])},
        'normalized_specials': {'added_tokens': [{**x, 'normalized': True} for x in added]},
        'lowercase_first': {'added_tokens': [{**x, 'normalized': True} for x in added], 'normalizer': {
            'type': 'Sequence', 'normalizers': [{'type': 'Lowercase'}] + (
                [base['normalizer']] if base['normalizer'] else [])}},
        'template': {'post_processor': {**dict.fromkeys(base['post_processor']), 'type': 'Sequence', 'processors': [
            {'type': 'ByteLevel', 'add_prefix_space': True, 'trim_offsets': True},
            template(['x', 'y'], ['x'], {'x': [7, 8], 'y': [9]})]}},
        'no_post_processor': {'post_processor': None},
    }
    if base['model']['type'] == 'WordPiece':
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
