#!/usr/bin/env python3
"""Makes testdata/folder_goldens.json: model folders and the ids of the tokenizers that AutoTokenizer makes of them.

Needs `pip install tokenizers==0.23.3 transformers==5.24.0 sentencepiece protobuf`; made once, the result is committed.
A file is JSON, text, or one of testdata/'s small tokenizers: {"$base": NAME, "$as": "tokenizer.json" | "vocab.txt" |
"vocab.json" | "merges.txt" | "sentencepiece.bpe.model", "$patch": RFC 7396}, or {"$file": NAME} of testdata/. A folder that the reference refuses has "refused": true.
"""
import json
import os
import pathlib
import sys
import tempfile

os.environ['HF_HUB_OFFLINE'] = '1'
import tokenizers
import transformers
from tokenizers import normalizers

from oracle_texts import TEXTS, grown
from small_tokenizers import (
    BERT_SPECIALS, CHARSMAP, METASPACE, charsmap, merge_patch, numbered, sentencepiece_model, token)

TESTDATA = pathlib.Path(__file__).resolve().with_name('testdata')
VERSIONS = {'tokenizers': '0.23.3', 'transformers': '5.24.0'}
CASED, UNCASED, BYTES, PIECES = 'word_piece_cased', 'word_piece_uncased', 'byte_level', 'unigram'


# Enough to tell any two of these tokenizers apart.
FOLDER_TEXTS = [
    '', 'Hello World', ' the cats', "we'll  sit", 'CAF\u00c9 caf\u00e9', '\u00c9a e\u0301', 'a\u4e2db', 'a\u200bb', '\u0130 \u03a3', 'unknownword the',
    'x[SEP]y [MASK] z', '[CLS][PAD][UNK]', 'a  <mask>  b', '<s>a</s>', 'A<MASK>B', '[mask]', 'a <m> b', '<new><other>', '<bos><eos>',
    'xab ab', 'a  lst  b', 'a  rst  b', 'NORM norm', '\nHello', 'a ,b', '<unk><pad>']


PAIR = ('the cats', 'a cat sat on Mats')


def base(name, kind='tokenizer.json', **patch):
    return {'$base': name, '$as': kind, '$patch': patch}


def bert(config, **files):
    return {'tokenizer.json': base(UNCASED), 'tokenizer_config.json': config, **files}


def roberta(config, **files):
    return {'tokenizer.json': base(BYTES), 'tokenizer_config.json': config, **files}


def decoder(*tokens):
    return {str(x['id']): {key: value for key, value in x.items() if key != 'id'} for x in tokens}


def typed(content, **flags):
    return {'__type': 'AddedToken', 'content': content, 'single_word': False, 'lstrip': False, 'rstrip': False,
            'normalized': False, **flags}


def folders():
    b, r, m = ({'tokenizer_class': name + 'Tokenizer'} for name in ('Bert', 'Roberta', 'MPNet'))
    plain = {'tokenizer_class': 'PreTrainedTokenizerFast'}
    vocab = json.loads((TESTDATA / f'{UNCASED}.json').read_text())['model']['vocab']
    ids = numbered(vocab, ['ab', 'NORM', 'lst'])
    count = len(vocab)
    merges = json.loads((TESTDATA / f'{BYTES}.json').read_text())['model']['merges']
    mask = len(json.loads((TESTDATA / f'{BYTES}.json').read_text())['model']['vocab']) - 1
    specials = [token(i, x) for i, x in enumerate(BERT_SPECIALS)]
    vocab_txt, cased_txt = base(UNCASED, 'vocab.txt'), base(CASED, 'vocab.txt')
    bpe_files = {'vocab.json': base(BYTES, 'vocab.json'), 'merges.txt': base(BYTES, 'merges.txt')}
    yield 'bert', bert(b)
    yield 'bert fast', bert({'tokenizer_class': 'BertTokenizerFast'})
    yield 'distilbert', bert({'tokenizer_class': 'DistilBertTokenizer', 'do_lower_case': False})
    yield 'electra', bert({'tokenizer_class': 'ElectraTokenizerFast'})
    yield 'layoutlm', bert({'tokenizer_class': 'LayoutLMTokenizer'})
    for model_type in ('bert', 'distilbert', 'mpnet'):
        yield f'model_type {model_type}', {'tokenizer.json': base(UNCASED), 'config.json': {'model_type': model_type}}
    yield 'model_type roberta', {'tokenizer.json': base(BYTES), 'config.json': {'model_type': 'roberta'}}
    yield 'class in config.json', {'tokenizer.json': base(CASED), 'config.json': {
        'model_type': 'roberta', 'tokenizer_class': 'BertTokenizer'}}
    yield 'class beats model_type', bert(b, **{'config.json': {'model_type': 'roberta'}})
    yield 'config without class', bert({'do_lower_case': False}, **{'config.json': {'model_type': 'bert'}})
    yield 'cased file, lower-cased', {'tokenizer.json': base(CASED), 'tokenizer_config.json': b}
    yield 'cased', {'tokenizer.json': base(CASED), 'tokenizer_config.json': {**b, 'do_lower_case': False}}
    yield 'strip_accents', {'tokenizer.json': base(CASED), 'tokenizer_config.json': {
        **b, 'do_lower_case': False, 'strip_accents': True}}
    yield 'keep accents', bert({**b, 'strip_accents': False})
    yield 'null accents', bert({**b, 'strip_accents': None})
    yield 'no cjk', bert({**b, 'tokenize_chinese_chars': False})
    yield 'other pipeline in the file', {'tokenizer.json': base(
        UNCASED, normalizer={'type': 'NFC', 'lowercase': None, 'clean_text': None, 'strip_accents': None,
                             'handle_chinese_chars': None}, post_processor=None,
        model={'max_input_chars_per_word': 3}), 'tokenizer_config.json': b}
    yield 'vocab.txt', {'vocab.txt': vocab_txt, 'tokenizer_config.json': b}
    yield 'vocab.txt cased', {'vocab.txt': cased_txt, 'tokenizer_config.json': {**b, 'do_lower_case': False}}
    yield 'vocab.txt alone', {'vocab.txt': vocab_txt, 'config.json': {'model_type': 'bert'}}
    yield 'vocab.txt odd lines', {'vocab.txt': '[PAD]\n[UNK]  \n[CLS]\u3000\n[SEP]\r\n\nthe\ncat\n##s\nthe\n[MASK]\n##\na',
                                  'tokenizer_config.json': b}
    yield 'model.type absent', {'tokenizer.json': base(UNCASED, model={'type': None}), 'tokenizer_config.json': b}
    yield 'model.type absent bpe', {'tokenizer.json': base(BYTES, model={'type': None}), 'tokenizer_config.json': r}
    yield 'unk_token', bert({**b, 'unk_token': '[PAD]'})
    yield 'cls and sep', bert({**b, 'cls_token': '[MASK]', 'sep_token': 'the'})
    yield 'new cls', bert({**b, 'cls_token': '<new>', 'sep_token': '<other>'})
    yield 'null mask', bert({**b, 'mask_token': None, 'pad_token': None})
    yield 'bos', bert({**b, 'bos_token': '<bos>', 'eos_token': 'ab'})
    yield 'typed mask', bert({**b, 'mask_token': typed('[MASK]', lstrip=True), 'added_tokens_decoder': {}})
    yield 'typed new mask', bert({**b, 'mask_token': typed('<m>', lstrip=True, normalized=True)})
    yield 'decoder', bert({**b, 'added_tokens_decoder': decoder(*specials, token(ids['ab'], 'ab', single_word=True),
                                                               token(ids['NORM'], 'NORM', normalized=True, special=False))})
    yield 'decoder empty', bert({**b, 'added_tokens_decoder': {}})
    yield 'decoder lstrip', bert({**b, 'added_tokens_decoder': decoder(*specials[:4], token(4, '[MASK]', lstrip=True))})
    yield 'decoder few keys', bert({**b, 'added_tokens_decoder': {'4': {'content': '[MASK]'}, '3': {
        'content': '[SEP]', 'special': True}, str(count): {'content': 'NORM'}}})
    yield 'file tokens', {'tokenizer.json': base(UNCASED, added_tokens=specials + [
        token(count, 'lst', lstrip=True, special=False), token(count + 1, 'NORM', normalized=True, special=False)]),
        'tokenizer_config.json': b}
    yield 'additional', bert({**b, 'additional_special_tokens': ['ab', 'lst']})
    yield 'extra', bert({**b, 'extra_special_tokens': ['ab', 'rst']})
    yield 'extra dict', bert({**b, 'extra_special_tokens': {'image_token': 'the'}})
    yield 'extra beats additional', bert({**b, 'extra_special_tokens': ['ab'], 'additional_special_tokens': ['lst']})
    yield 'model token', bert({**b, 'image_token': 'the', 'add_bos_token': True})
    yield 'special_tokens_map', bert(b, **{'special_tokens_map.json': {
        'cls_token': 'the', 'mask_token': {'content': '<m>', 'single_word': False, 'lstrip': True, 'rstrip': False,
                                           'normalized': False}, 'unk_token': '[UNK]'}})
    yield 'map beside decoder', bert({**b, 'added_tokens_decoder': decoder(*specials)}, **{
        'special_tokens_map.json': {'cls_token': 'the'}})
    yield 'map additional', bert(b, **{'special_tokens_map.json': {'additional_special_tokens': ['ab']}})
    yield 'added_tokens.json', bert(b, **{'added_tokens.json': {'ab': ids['ab'], 'NORM': ids['NORM']}})
    yield 'added_tokens.json special', bert({**b, 'additional_special_tokens': ['NORM']}, **{
        'added_tokens.json': {'ab': ids['ab'], 'NORM': ids['NORM']}})
    yield 'added_tokens.json and vocab.txt', {'vocab.txt': vocab_txt, 'tokenizer_config.json': b,
                                              'added_tokens.json': numbered(vocab, ['ab', 'lst'])}
    yield 'split_special_tokens', bert({**b, 'split_special_tokens': True})
    yield 'split_special_tokens added', bert({**b, 'split_special_tokens': True}, **{'added_tokens.json': {'ab': ids['ab']}})
    yield 'truncation left', bert({**b, 'truncation_side': 'left', 'model_max_length': 9})
    yield 'truncation of the file', {'tokenizer.json': base(UNCASED, truncation={
        'direction': 'Left', 'max_length': 5, 'strategy': 'LongestFirst', 'stride': 0}), 'tokenizer_config.json': b}
    yield 'no limit', bert({**b, 'model_max_length': 10 ** 30})
    yield 'mpnet', bert(m)
    yield 'mpnet vocab.txt', {'vocab.txt': vocab_txt, 'tokenizer_config.json': m}
    yield 'mpnet own tokens', bert({**m, 'mask_token': '[MASK]', 'cls_token': '[CLS]', 'sep_token': '[SEP]'})
    yield 'mpnet new mask', {'vocab.txt': vocab_txt, 'tokenizer_config.json': {**m, 'mask_token': 'rst'}}
    yield 'mpnet typed mask', {'vocab.txt': vocab_txt, 'tokenizer_config.json': {**m, 'mask_token': typed('<m>')}}
    yield 'mpnet map', {'vocab.txt': vocab_txt, 'tokenizer_config.json': m, 'special_tokens_map.json': {
        'mask_token': {'content': '<mask>', 'single_word': False, 'lstrip': True, 'rstrip': False, 'normalized': True}}}
    yield 'mpnet decoder', {'vocab.txt': vocab_txt, 'tokenizer_config.json': {**m, 'added_tokens_decoder': decoder(
        token(1, '[UNK]', normalized=True), token(count, '<s>', normalized=True), token(count + 1, '</s>'),
        token(count + 2, '<pad>'), token(count + 3, '<mask>', lstrip=True))}}
    yield 'roberta', roberta(r)
    yield 'roberta fast', roberta({'tokenizer_class': 'RobertaTokenizerFast', 'trim_offsets': False})
    yield 'longformer', roberta({'tokenizer_class': 'LongformerTokenizer'})
    yield 'roberta prefix space', roberta({**r, 'add_prefix_space': True})
    yield 'roberta prefix space in the file', {'tokenizer.json': base(BYTES, pre_tokenizer={'add_prefix_space': True}),
                                               'tokenizer_config.json': r}
    yield 'roberta ignore_merges in the file', {'tokenizer.json': base(BYTES, model={'ignore_merges': True}),
                                                'tokenizer_config.json': r}
    yield 'roberta files', {**bpe_files, 'tokenizer_config.json': r}
    yield 'roberta files, model_type', {**bpe_files, 'config.json': {'model_type': 'roberta'}}
    yield 'roberta files, prefix space', {**bpe_files, 'tokenizer_config.json': {**r, 'add_prefix_space': True}}
    yield 'roberta files, map', {**bpe_files, 'tokenizer_config.json': r, 'special_tokens_map.json': {
        'mask_token': {'content': '<mask>', 'single_word': False, 'lstrip': True, 'rstrip': False, 'normalized': False}}}
    yield 'roberta files, crlf', {'vocab.json': base(BYTES, 'vocab.json'), 'tokenizer_config.json': r,
                                  'merges.txt': '#version: 0.2\r\n' + '\r\n'.join(merges[:2] + ['#version again'] + merges[2:9])}
    yield 'roberta decoder', roberta({**r, 'added_tokens_decoder': decoder(
        token(0, '<s>', normalized=True), token(mask, '<mask>', lstrip=True))})
    yield 'roberta tokens', roberta({**r, 'cls_token': '<mask>', 'sep_token': 'the', 'unk_token': None})
    yield 'as it stands', {'tokenizer.json': base(CASED), 'tokenizer_config.json': plain}
    yield 'as it stands, do_lower_case', {'tokenizer.json': base(CASED), 'tokenizer_config.json': {
        **plain, 'do_lower_case': True, 'cls_token': 'the', 'strip_accents': True}}
    yield 'as it stands, more tokens', {'tokenizer.json': base(CASED), 'tokenizer_config.json': {
        **plain, 'additional_special_tokens': ['ab'], 'eos_token': '<eos>'}}
    yield 'as it stands, decoder', {'tokenizer.json': base(CASED), 'tokenizer_config.json': {
        **plain, 'added_tokens_decoder': decoder(token(4, '[MASK]', rstrip=True))}}
    yield 'as it stands, no post-processor', {'tokenizer.json': base(CASED, post_processor=None),
                                              'tokenizer_config.json': {**plain, 'bos_token': '[CLS]', 'add_bos_token': True}}
    x = {'tokenizer_class': 'XLMRobertaTokenizer'}
    pieces = base(PIECES)
    yield 'xlm-r', {'tokenizer.json': pieces, 'tokenizer_config.json': x}
    yield 'xlm-r fast', {'tokenizer.json': pieces, 'tokenizer_config.json': {'tokenizer_class': 'XLMRobertaTokenizerFast'}}
    yield 'model_type xlm-roberta', {'tokenizer.json': pieces, 'config.json': {'model_type': 'xlm-roberta'}}
    yield 'xlm-r no prefix space', {'tokenizer.json': pieces, 'tokenizer_config.json': {**x, 'add_prefix_space': False}}
    yield 'xlm-r no charsmap', {'tokenizer.json': base(PIECES, normalizer=None), 'tokenizer_config.json': x}
    yield 'xlm-r other pipeline in the file', {'tokenizer.json': base(
        PIECES, pre_tokenizer={'pretokenizers': None, **METASPACE, 'split': False}, post_processor=None,
        model={'unk_id': 1}), 'tokenizer_config.json': x}
    yield 'xlm-r charsmap in a sequence', {'tokenizer.json': base(PIECES, normalizer={
        'precompiled_charsmap': None, 'type': 'Sequence', 'normalizers': [{'type': 'Lowercase'}, charsmap(CHARSMAP)]}),
        'tokenizer_config.json': x}
    yield 'xlm-r ends', {'tokenizer.json': pieces, 'tokenizer_config.json': {**x, 'bos_token': '<mask>', 'sep_token': '<s>'}}
    yield 'xlm-r typed mask', {'tokenizer.json': pieces, 'tokenizer_config.json': {
        **x, 'mask_token': typed('<mask>', lstrip=True), 'truncation_side': 'left'}}
    yield 'xlm-r decoder', {'tokenizer.json': pieces, 'tokenizer_config.json': {
        **x, 'added_tokens_decoder': decoder(token(0, '<s>'), token(2, '</s>'), token(3, '<unk>'))}}
    yield from camemberts(pieces)
    yield from model_files()
    yield 'unigram as it stands', {'tokenizer.json': pieces, 'tokenizer_config.json': plain}
    yield 'TokenizersBackend', roberta({'tokenizer_class': 'TokenizersBackend'})
    yield 'PreTrainedTokenizer', roberta({'tokenizer_class': 'PreTrainedTokenizer'})
    for name in ('bert', 'cased', 'roberta', 'xlm-r', 'as it stands', 'keep accents'):
        yield name + ', lower case first', None
    yield 'lower case there already', {'tokenizer.json': base(CASED, normalizer={
        'type': 'Sequence', 'normalizers': [{'type': 'NFD'}, {'type': 'Lowercase'}]}), 'tokenizer_config.json': plain}
    yield 'lower case there already, lower case first', None


def camemberts(pieces):
    c = {'tokenizer_class': 'CamembertTokenizer'}

    def camembert(config, **files):
        return {'tokenizer.json': pieces, 'tokenizer_config.json': config, **files}

    unk_first = {'tokenizer.json': base(PIECES, model={'vocab': [['a', -1.0], ['<unk>', 0.0], ['b', -2.0], ['<s>', 0.0], ['</s>', 0.0],
                                                                 ['<pad>', 0.0], ['\u2581', -3.0], ['<mask>', 0.0]]}, added_tokens=[])}
    yield 'camembert', camembert(c)
    yield 'camembert fast', camembert({'tokenizer_class': 'CamembertTokenizerFast'})
    yield 'model_type camembert', {'tokenizer.json': pieces, 'config.json': {'model_type': 'camembert'}}
    yield 'camembert no prefix space', camembert({**c, 'add_prefix_space': False})
    yield 'camembert unk elsewhere', {**unk_first, 'tokenizer_config.json': c}
    yield 'camembert unk named otherwise', {**unk_first, 'tokenizer_config.json': {**c, 'unk_token': 'b'}}
    yield 'camembert unk not there', {**unk_first, 'tokenizer_config.json': {**c, 'unk_token': '<none>'}}
    yield 'camembert additional', camembert({**c, 'additional_special_tokens': ['ab']})
    yield 'camembert no additional', camembert({**c, 'additional_special_tokens': []})
    yield 'camembert null additional', camembert({**c, 'additional_special_tokens': None})
    yield 'camembert extra', camembert({**c, 'extra_special_tokens': ['ab'], 'additional_special_tokens': ['lst']})
    yield 'camembert extra dict', camembert({**c, 'extra_special_tokens': {'image_token': 'ab'}})
    yield 'camembert extra dict beside additional', camembert({
        **c, 'extra_special_tokens': {'image_token': 'ab'}, 'additional_special_tokens': ['lst']})
    yield 'camembert null extra', camembert({**c, 'extra_special_tokens': None})
    yield 'camembert map', camembert(c, **{'special_tokens_map.json': {
        'mask_token': {'content': '<mask>', 'single_word': False, 'lstrip': False, 'rstrip': False, 'normalized': True},
        'additional_special_tokens': ['<s>NOTUSED', 'ab']}})
    yield 'camembert decoder', camembert({**c, 'added_tokens_decoder': decoder(token(0, '<s>'), token(2, '</s>'), token(3, '<unk>'))})


def model_files():
    """sentencepiece.bpe.model without tokenizer.json."""
    def model(tokenizer, config=None, patch=None, **files):
        return {'sentencepiece.bpe.model': base(PIECES, 'sentencepiece.bpe.model', **(patch or {})),
                'tokenizer_config.json': {'tokenizer_class': tokenizer + 'Tokenizer', **(config or {})}, **files}

    kinds = {'model': {'kinds': {'ab': 4, 'sep': 3, 'NORM': 4, '<mask>': 4, '<0x41>': 6, 'the': 5}}}
    for name in ('XLMRoberta', 'Camembert'):
        yield f'{name}: model file', model(name)
        yield f'{name}: trained by sentencepiece', {
            'sentencepiece.bpe.model': {'$file': 'sentencepiece.model'}, 'tokenizer_config.json': {
                'tokenizer_class': name + 'Tokenizer'}}
        yield f'{name}: no charsmap', model(name, patch={'normalizer': None})
        yield f'{name}: no prefix space', model(name, {'add_prefix_space': False})
        yield f'{name}: kinds of pieces', model(name, patch=kinds)
        yield f'{name}: kinds, additional', model(name, {'additional_special_tokens': ['lst']}, kinds)
        yield f'{name}: kinds, extra', model(name, {'extra_special_tokens': []}, kinds)
        yield f'{name}: kinds, map', model(name, patch=kinds, **{'special_tokens_map.json': {
            'additional_special_tokens': ['lst'], 'cls_token': 'ab'}})
        yield f'{name}: kinds, split specials', model(name, {'split_special_tokens': True}, kinds)
        yield f'{name}: other names', model(name, {
            'bos_token': '<b>', 'eos_token': '<e>', 'pad_token': '<p>', 'unk_token': '<u>', 'mask_token': typed('<m>', rstrip=True)})
    yield 'model_type xlm-roberta, model file', {
        'sentencepiece.bpe.model': base(PIECES, 'sentencepiece.bpe.model'), 'config.json': {'model_type': 'xlm-roberta'}}
    yield 'model file beside tokenizer.json', {
        'sentencepiece.bpe.model': base(PIECES, 'sentencepiece.bpe.model', **kinds), 'tokenizer.json': base(PIECES),
        'tokenizer_config.json': {'tokenizer_class': 'XLMRobertaTokenizer'}}
    decoded = decoder(token(0, '<s>'), token(1, '<pad>'), token(2, '</s>'), token(3, '<unk>'))
    yield 'model file, decoder', model('XLMRoberta', {'added_tokens_decoder': decoded, 'truncation_side': 'left'}, kinds)
    yield 'map additional and added_tokens.json', {'tokenizer.json': base(UNCASED), 'tokenizer_config.json': {
        'tokenizer_class': 'BertTokenizer'}, 'special_tokens_map.json': {'additional_special_tokens': ['NORM']},
        'added_tokens.json': numbered(json.loads((TESTDATA / f'{UNCASED}.json').read_text())['model']['vocab'], ['NORM'])}


def expand(value):
    """The bytes of a file."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and '$file' in value:
        return (TESTDATA / value['$file']).read_bytes()
    if not (isinstance(value, dict) and '$base' in value):
        return json.dumps(value).encode()
    spec = merge_patch(json.loads((TESTDATA / f'{value["$base"]}.json').read_text()), value['$patch'])
    vocab, merges = spec['model']['vocab'], spec['model'].get('merges', [])
    if value['$as'] == 'sentencepiece.bpe.model':
        return sentencepiece_model(spec)
    text = {'tokenizer.json': lambda: json.dumps(spec), 'vocab.json': lambda: json.dumps(vocab),
            'vocab.txt': lambda: ''.join(x + '\n' for x in sorted(vocab, key=vocab.get)),
            'merges.txt': lambda: ''.join(x + '\n' for x in ['#version: 0.2', *merges])}[value['$as']]()
    return text.encode()


def lower_case_first(tokenizer):
    """What sentence-transformers 6.2.0 does for do_lower_case."""
    steps = tokenizer.normalizer
    steps = list(steps) if isinstance(steps, normalizers.Sequence) else [steps] if steps else []
    if not any(isinstance(step, normalizers.Lowercase) for step in steps):
        tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *steps])


def answer(folder, texts):
    with tempfile.TemporaryDirectory() as directory:
        for name, value in folder['files'].items():
            pathlib.Path(directory, name).write_bytes(expand(value))
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
        except Exception as error:
            print(f'{folder["name"]}: refused by the reference: {error!r:.300}')
            return {**folder, 'refused': True}
    backend = tokenizer.backend_tokenizer
    if folder['lower_case_first']:
        lower_case_first(backend)
    length = tokenizer.model_max_length
    result = {**folder, 'truncation_side': tokenizer.truncation_side, 'model_max_length': length if length < 2 ** 53 else None}
    cases = [[text, tokenizer(text)['input_ids']] for text in texts]
    cases += [[text, tokenizer(text, truncation=True, max_length=7)['input_ids'], 7] for text in texts[-6:]]
    pairs = []
    for limit in (0, 9):
        row = tokenizer(*PAIR, truncation=limit > 0, max_length=limit or None) and backend.encode(*PAIR)
        pairs.append([*PAIR, row.ids, row.type_ids, limit])
    return {**result, 'cases': cases, 'pairs': pairs}


def main():
    for module in (tokenizers, transformers):
        if module.__version__ != VERSIONS[module.__name__]:
            sys.exit(f'{module.__name__} {module.__version__} is installed; the goldens belong to {VERSIONS}')
    texts = FOLDER_TEXTS + grown(1, 4)
    done, by_name = [], {}
    for name, files in folders():
        lower = files is None
        folder = {'name': name, 'files': by_name[name.removesuffix(', lower case first')] if lower else files,
                  'lower_case_first': lower}
        by_name[name] = folder['files']
        done.append(answer(folder, texts))
    text = json.dumps({**VERSIONS, 'texts': len(texts), 'folders': done}, separators=(',', ':'))
    (TESTDATA / 'folder_goldens.json').write_text(text.replace('],["', '],\n["').replace('},{"name"', '},\n{"name"') + '\n')
    print(f'{len(done)} folders of {len(texts) + 6} cases')


if __name__ == '__main__':
    main()
