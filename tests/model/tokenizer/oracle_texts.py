"""Texts for the tokenizers' goldens and differential tests, written or generated here."""
import random

# What the small vocabularies of testdata/ are trained on.
TRAINING = [
    "The quick brown fox jumps over the lazy dog, and the dog doesn't mind.",
    "We've seen that they're late; I'm sure you'd have said so, wouldn't you?",
    'A server answers questions about sentences: which of them mean the same thing?',
    'On 12 March 2031 the committee met in room 7B and agreed on 3.5 percent.',
    'He said he would not go there again; she said that he had gone there before.',
    'Es war einmal ein kleines Mädchen, das über die Straße ging.',
    "L'été dernier, nous avons déjà mangé des crêpes au café près de la gare.",
    'Мы вчера долго гуляли по городу, и шёл дождь.',
    '今日はいい天気ですね。散歩に行きましょう。',
    '我们昨天在北京见面,天气很好。',
    '오늘 날씨가 좋네요.',
    'आज मौसम अच्छा है।',
    'الطقس جميل اليوم.',
    'the cat sat on the mat; the mats were sat on by cats, sitting and eating',
    'if (x == 1) { return y[2] + "z"; }  // a comment\n\tnext(line);',
]

# Each line a rule or trap of its own.
TEXTS = [
    '', ' ', '  ', '\n', '\t\n ', 'a', ' a', 'a ', '  a  ', 'Hello world', ' Hello world', 'hello  world',
    # byte-level: contractions
    "'x're1", "x'v3", " 's", "!'s", "x''s", "x\n's", "I'LL", "I'll", "we've they're I'm he'd she's can't",
    "WE'VE", "'s't're've'm'll'd", "don't!", "1's", "'1", "''", "'", "a'", "x'l", "x'r", "x've1", 'x’s', "x´s",
    "\u00a0's", "\t's", "e\u0301's", "'\u0301s", "it's\u200b's", "'re're", "'ll\u0301",
    # byte-level: white space
    'x\n\n y', 'a \tb', 'a \t', 'a\u00a0\u00a0b', 'a  b', 'a   b', 'a \n b', 'a\n', 'a\n\n', '\n\na', '  \n  a',
    'a\u2003b', 'a\u3000 b', 'a \u3000b', ' \u00a0a', 'a\x1cb', 'a\x1f b', 'a\x85b', 'a\u180eb', 'a\u200bb',
    'a\ufeffb', '\u2028\u2029a', 'a\r\nb', 'a\r\n\r\nb', '   ', '\t\t\t1', ' \t!',
    # byte-level: kinds
    'abc123', '123abc', 'a1b2', '!?a', 'a!?', ' !?', '²', 'x²', 'Ⅷ', '½ cup', 'हिन्दी', 'किताब', 'ไทย', 'שָׁלוֹם',
    'مُحَمَّد', 'e\u0301a', '\u0301', ' \u0301a', 'ª º', '__init__', 'C++', '3.14', '1,000', 'x=y', 'Ĝ Ġ', 'naïve café',
    '\U0001f600', 'a\U0001f600b', '\U0001f469\u200d\U0001f680', '\U0001f1e9\U0001f1ea', '👍🏽 ok', '\x00', 'a\x00b', '\x7f',
    # WordPiece: cleaning
    'a\x0bb', 'a\x0cb', 'a\u200db', 'a\u00adb', 'a\ufffdb', '\ue000a', 'a\u0378b', 'a\U000e0041b', 'a\x01\x02b',
    'a\tb\nc\rd', '\ufeffa', 'a\u2060b', 'a\u061cb', 'a\U000f0000b',
    # WordPiece: CJK spacing
    '中文', 'a中b', '\uf900', '\u3007', '\U0002b820', 'a\U0002b820b', 'a\U0002b91fb', 'a\U0002b920b', 'a\u9fffb', 'a\ua000b',
    'a\U0002f800b', 'a\u3400b', 'カタカナ', 'ひらがな', '東京都', 'a\u4dc0b', '\u3038',
    # WordPiece: accents and case
    'Éa É', 'e\u0301', 'Ａ', 'ÅNGSTRÖM', 'İstanbul', 'ΣΊΣΥΦΟΣ', 'ΑΣ', 'Straße', 'ẞ', 'ǅ', 'ﬁ', 'Å', 'K', 'Ω',
    '\U0001d16d\U0001d165', '\U0001d16d\u034f\U0001d165', 'a\u0323\u0301', 'a\u0301\u0323', '\u0344', '한국', '각', 'ᄀ\u1161',
    '\ud55c' * 34, 'é' * 100, 'é' * 101, 'a' * 100, 'a' * 101, 'a\u0316\u0300\u0345', '\u0958', '\u1e9b\u0323', '\u2126',
    '\u0f73', '\u0cc0', 'ç\u0327', '\u1dff\u0301', '\u1ac0a',
    # WordPiece: punctuation
    "don't", 'a-b', 'a_b', '...', '“a”', '¿que?', 'a\u2e43b', '\u166d', '\U000111c9', 'a\u2e42b', 'a·b', '$5', 'a+b', '^', '`',
    '¡', 'a\u00b6b', '、。', 'a\u055ab', '€', '§', '॥', 'a\u30fbb', 'a\uff65b', '∑',
    # WordPiece: pieces
    'the', 'THE', 'cats', 'sitting', 'unknownword', 'thethethe', 'cat\u0301s', '##s', '# # s', '[UNK]', '[unk]', 'xyz\u16a0',
    # added tokens
    '[CLS]', 'x[SEP]y', '[MASK]', 'a [MASK] b', '[mask]', '[ MASK ]', '[SEP][SEP]', '<s>', '</s>', '<pad>', 'a<mask>b',
    'Hello<mask>world', 'Hello   <mask> x', '  <mask>', '<mask><mask>', '<MASK>', 'A<MASK>B', '<mask>\n<mask> ', '\nHello',
    'a</s> b</s>', '<s>a</s>', '<mas', 'k>', '<<mask>>', 'x<unk>y',
    'xab', 'ab', ' ab ', 'ab!', 'xabx', 'abab', 'éab', '_ab', '\u0301ab', 'ab\u0301', 'ab\u200d', 'aab ab', 'ab1', 'b',
    'left  lst right', 'left  rst  right', ' lst', 'rst ', 'rst   lst', 'lst   rst', 'rst \n ', '\u00a0lst\u3000',
    'NORM norm Norm', 'nOrM', 'normnorm', 'Ñorm', 'éacc', 'E\u0301acc', 'eacc',
]


def grown(seed, count):
    """`count` longer texts, joined from the above."""
    rng = random.Random(seed)
    glue = ['', '', ' ', ' ', '  ', '\n', "'", '-', '\u0301', '\u00a0', '.', ', ']
    return [rng.choice(glue).join(rng.choice(TEXTS + TRAINING) for _ in range(rng.randint(2, 6))) for _ in range(count)]


BLOCKS = [(0x20, 0x7E)] * 8 + [
    (0x00, 0x1F), (0x7F, 0xBF), (0xC0, 0x24F), (0xC0, 0x24F), (0x250, 0x2FF), (0x300, 0x36F), (0x300, 0x36F), (0x370, 0x3FF),
    (0x400, 0x52F), (0x530, 0x6FF), (0x700, 0x8FF), (0x900, 0x97F), (0x980, 0xDFF), (0xE00, 0x10FF), (0x1100, 0x11FF),
    (0x1200, 0x1AFF), (0x1AB0, 0x1DFF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2000, 0x206F), (0x2070, 0x20FF),
    (0x2100, 0x23FF), (0x2400, 0x2BFF), (0x2C00, 0x2E7F), (0x2E80, 0x303F), (0x3040, 0x33FF), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0x4E00, 0x9FFF), (0xA000, 0xABFF), (0xAC00, 0xD7FB), (0xE000, 0xFAFF), (0xFB00, 0xFFFF),
    (0x10000, 0x11FFF), (0x12000, 0x1CFFF), (0x1D000, 0x1D7FF), (0x1D800, 0x1FAFF), (0x20000, 0x2FA1F), (0x2A6D0, 0x2CEBF),
    (0x30000, 0x33FFF), (0xE0000, 0x10FFFF)]
SPACES = [' '] * 6 + ['  ', '\n', '\t', '\r\n', '\x0b', '\x85', '\u00a0', '\u2003', '\u3000', '\u200b', '\ufeff', '\x1c', '']


def scalar(rng):
    first, last = rng.choice(BLOCKS)
    c = rng.randint(first, last)
    return chr(c) if not 0xD800 <= c <= 0xDFFF else 'a'


def random_part(rng, pieces):
    """A few characters: one of `pieces` (tokens as text), scalars of a few blocks, white space or a line above."""
    kind = rng.random()
    if kind < 0.35 and pieces:
        part = rng.choice(pieces)
        return rng.choice((part, part, part.upper(), part.title(), part[::-1]))
    if kind < 0.55:
        return ''.join(scalar(rng) for _ in range(rng.choice((1, 1, 2, 4))))
    if kind < 0.75:
        return rng.choice(SPACES)
    if kind < 0.85:
        return rng.choice(("'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'", "''", "'S", "'l", '’s'))
    return rng.choice(TEXTS)


def random_text(rng, pieces):
    return ''.join(random_part(rng, pieces) for _ in range(rng.choice((1, 2, 3, 5, 8, 13))))
