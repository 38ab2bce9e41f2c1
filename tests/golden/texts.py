"""The texts of the golden files: written for this purpose, in groups of what each may break."""

import unicodedata

PLAIN = """\
The tailor measured the curtain twice and cut it once.
A ferry leaves the island at seven in the morning.
We had not expected snow in April.
Please return the ladder to the shed.
He kept his receipts in an old biscuit tin.
Nobody remembers who built the bridge.
The committee postponed its decision until the auditors had finished.
A man is repairing a bicycle in the rain.
Somebody fixes a bike while it rains.
Two dogs chase a ball along the beach.
The stock fell by four percent after the announcement.
Shares dropped 4% following the news.
My grandmother's recipe calls for buttermilk, not cream.
Turn left at the church, then take the second street on the right.
The microscope revealed a lattice of tiny hexagons.
Rain is expected in the north, with sunny spells further south.
This sentence is false.
Is this sentence true?
Stop!
She said: "I would rather walk."
It's what they're saying, but I'll ask; we've tried, we'd failed, I'm tired.
Dr. Smith Jr. arrived at 5 p.m. on Jan. 3rd, didn't he?
well-known, state-of-the-art, mother-in-law's
(parentheses) [brackets] {braces} <angles>
A/B testing vs. C&A; R&D @ 100%
Semi-colons; colons: dashes - en–dash em—dash … ellipsis...
antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis
The the THE tHe
buffalo buffalo Buffalo buffalo buffalo buffalo Buffalo buffalo
How do I reset my password?
What is the capital of Mongolia?
Which planet has the most moons
best pizza near me open now
error: expected ';' before '}' token
The patient presented with acute dyspnoea and bilateral crackles.
Notwithstanding the foregoing, the Licensee shall indemnify the Licensor.
O Romeo! the old line is quoted by everyone and read by few.
Add two cups of flour, a pinch of salt and stir until smooth.
Goal in the 89th minute; the crowd went silent.
The theorem holds for every compact Hausdorff space.
one two three four five six seven eight nine ten
yes
No.
ok
I
""".splitlines()

LANGUAGES = """\
Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.
Straßenverkehrsgenehmigungsbehörde
Le garçon mangeait des crêpes à la fenêtre où l'été s'étirait déjà.
L'œuvre de l'Ångström naïf façade
El niño pequeño soñaba con un camión amarillo. ¿Verdad? ¡Sí!
O coração não tem razão, disse a avó.
Město leží u řeky a zvony zní každé ráno.
Żółta łódź płynie przez jezioro.
Az árvíztűrő tükörfúrógép működik.
Þetta er lítið hús við ána.
Bugün hava çok güzel, İstanbul ışıl ışıl.
Tối nay trời mưa, chúng tôi ở nhà đọc sách.
Мама мыла раму, а кот спал на подоконнике.
Ёжик нёс яблоко через мост.
Київ зустрів нас дощем і їжаком.
Η θάλασσα ήταν ήρεμη και ο ουρανός γαλανός. ΟΔΥΣΣΕΥΣ
შავი ზღვა მშვიდია
Հայաստանը լեռնային երկիր է
東京の空は青い。
吾が家の猫は毎朝六時に起きる。
カタカナとひらがなと漢字を混ぜる。
ﾊﾝｶｸｶﾅ と 全角ＡＢＣ１２３
北京的秋天很短,但是很美。
他昨天買了三本書。
𠀀𠀁𪚥 extension B, 𫠝 extension E
豈更車賈 compatibility ideographs
서울의 밤은 밝다.
한국어 문장에는 띄어쓰기가 있다
ㅎㅏㄴㄱㅡㄹ
שלום עולם, זה ספר ישן.
שָׁלוֹם עִם נִקּוּד
مرحبا بالعالم، هذا كتاب قديم.
بِسْمِ مع التشكيل
این کتاب‌ها را می‌خوانم
یہ ایک چھوٹا جملہ ہے۔
नमस्ते दुनिया, यह एक पुरानी किताब है।
বাংলা ভাষায় একটি বাক্য
தமிழ் ஒரு பழமையான மொழி
తెలుగు వాక్యం
ಕನ್ನಡ ಮತ್ತು മലയാളം
ภาษาไทยไม่มีช่องว่างระหว่างคำ
ພາສາລາວ និង ភាសាខ្មែរ
မြန်မာစာ
ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ
ሰላም ለዓለም
ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ
ᚠᚢᚦᚨᚱᚲ runes
mixed English и русский with 中文 and العربية together
Übung macht den Meister, says the maître in 東京.
""".splitlines()

EMOJI = [
    "😀😃😄", "I ❤️ this", "I ❤ this", "👍🏽 great", "👩‍👩‍👧‍👦 family", "🏳️‍🌈 flag", "🇩🇪🇫🇷🇯🇵",
    "1️⃣2️⃣3️⃣", "pizza🍕pizza", "🫠🫨 new ones", "☃ ☂ ☕ ✂ ✈", "¯\\_(ツ)_/¯", "(╯°□°)╯︵ ┻━┻",
    "♠♥♦♣ ♪♫ ★☆", "→ ← ↑ ↓ ⇒ ∀x∈ℝ: x² ≥ 0", "½ ⅓ ² ³ ⁿ ₂ Ⅷ ⅷ ① ㈱ ㎏", "™ © ® € £ ¥ ₹ ₿ ¢",
    "𝓗𝓮𝓵𝓵𝓸 𝔴𝔬𝔯𝔩𝔡 𝟙𝟚𝟛", "ℋ ℌ ℍ Å K", "ﬁ ﬂ ﬀ ﬃ ligatures", "ǅ ǈ titlecase ŉ",
]

CODE = [
    "def area(width, height): return width * height",
    "for (int i = 0; i < n; ++i) sum += a[i];",
    "SELECT name, COUNT(*) FROM users WHERE age >= 18 GROUP BY name;",
    "<div class=\"card\"><a href='/x?y=1&amp;z=2'>link</a></div>",
    "{\"key\": [1, 2.5e-3, null, true], \"s\": \"\\u00e9\\n\"}",
    "if x == y:\n\tprint('tab')\n\telse:\n    pass",
    "git commit -am \"fix: off-by-one\" && git push --force-with-lease",
    "std::vector<std::pair<int, float>> v{{1, 2.0f}};",
    "https://example.org/a/b?c=1&d=2#e", "someone@example.org", "C:\\Users\\me\\file.txt",
    "/usr/local/lib/libx.so.1.2.3", "0xDEADBEEF 0b1010 0o777 1e-9 NaN", "$HOME ${PATH} `ls` $(pwd)",
    "^\\s*(\\w+)\\s*=\\s*(.*)$", "#include <vector>", "// TODO(me): why?",
    "a_b_c camelCase PascalCase",
    "x=y==z!=w<=v>=u&&t||s", "snake_case_identifier_with_many_parts_and_more",
]

NUMBERS = [
    "42", "1234567890", "3.14159", "-273.15", "1,000,000", "1.000.000,00", "1'000", "10%",
    "2024-02-29", "29/02/2024", "18:30:00", "+1 (555) 010-0100", "12.50 + 7.99 = 20.49", "1/2",
    "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "１２３４５", "IV XII MCMXC", "1st 2nd 3rd 4th",
    "99999999999999999999999999",
    "9" * 120,
]

# What a caller's cleaning would have removed; none of it may be lost or change its neighbours.
CONTROLS = [f"be{chr(c)}fore" for c in (*range(0x00, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F,
                                       0x80, 0x85, 0x9F, 0xAD)] + [
    "\x00", "a\x00b\x00c", "\x00 leading", "trailing \x00", "tab\tbetween", "line\nbreak",
    "cr\rlf\r\nend",
    "\ufeffbyte order mark", "zero\u200bwidth\u200cnon\u200djoiner\u2060word",
    "left\u200eto\u200fright\u202a\u202e\u202c",
    "line\u2028separator\u2029paragraph", "replacement \ufffd character",
    "private \ue000 use \U000f0000",
    "noncharacter \uffff \U0010ffff", "unassigned \u0378 \U000e0fff",
    "variation\ufe0f selector\ufe0e",
    "tag \U000e0041\U000e007f", "interlinear \ufff9x\ufffay\ufffb", "soft\u00adhyphen",
]

SPACES = [" ", "  ", "   ", "\t", "\n", "\n\n\n", " \t \n ", " leading", "  two leading",
          "trailing ",
          "trailing two  ", " both ", "two  between", "three   between",
          "many" + " " * 40 + "between",
          "tab\t\ttab", "\n newline first", "para one\n\npara two\n", "a \tb", "a \t"] + [
    f"a{chr(c)}b" for c in (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000, 0x180E)]

CASING = ["UPPER CASE SENTENCE", "lower case sentence", "MiXeD cAsE sEnTeNcE", "ÄÖÜ ÉÈÊ ÑÇ",
          "äöü éèê ñç",
          "İI ıi", "ΑΣ ΣΑΣ ας", "ẞ ß SS ss", "ŒŠŽ œšž", "DŽ Dž dž", "ⅣⅤ ⅳⅴ", "Ⓐⓐ", "𐐀𐐨 Deseret",
          "I'LL I'll 'LL"]

ACCENTS = [form for text in ("café naïve résumé", "Ångström Çédille ñandú", "ệ ǘ ṩ ḗ", "한글 각")
           for form in (text, unicodedata.normalize("NFD", text))] + [
    "e\u0301\u0323 e\u0323\u0301", "a" + "\u0301" * 30, "\u0301 alone",
    "Z\u0351\u034a\u0343a\u0316l\u0349g\u0326o\u0323",
    "क् क्ष त्र", "\u0e01\u0e33 \u0e33"]

SPECIALS = ["[CLS]", "x[SEP]y", "[MASK] [PAD] [UNK]", "<s> </s> <pad> <unk> <mask>",
            "a <mask>b   <mask> c",
            "A<MASK>B", "[cls] [Sep]", "<|endoftext|>", "##ing ##s", "Ġthe Ċ ▁word", "[ MASK ]",
            "[MASK", "[[MASK]]"]

ONE_CHARACTER = list("aZ07.,!?'\"#$%&()*+-/:;<=>@[\\]^_`{|}~") + [
    "é", "ß", "я", "字", "あ", "한", "א", "ع", "न", "😀", "\u0301", "\u200d", "▁", "€", "𝔘"]

EMPTY = [""]

LONG = [
    # Above 256 tokens in several ways, and next to it: specials take two of them.
    " ".join(["word"] * 253), " ".join(["word"] * 254), " ".join(["word"] * 255),
    " ".join(["word"] * 256), " ".join(["word"] * 2000),
    " ".join(f"item {i} costs {i * 3}.{i % 10}0;" for i in range(200)),
    " ".join(PLAIN), " ".join(LANGUAGES), "".join(EMOJI) * 4, "x" * 99, "x" * 100, "x" * 101,
    "y" * 5000,
    "ab " * 700, "é" * 99 + " " + "e\u0301" * 60, "字" * 600, "." * 700, "12" * 300,
    "\n".join(CODE * 6),
    "가" * 34 + " " + "가" * 33,
]

GROUPS = {
    "empty": EMPTY, "one character": ONE_CHARACTER, "plain": PLAIN, "languages": LANGUAGES,
    "emoji and symbols": EMOJI, "code": CODE, "numbers": NUMBERS, "controls": CONTROLS,
    "spaces": SPACES, "casing": CASING, "accents": ACCENTS, "special tokens": SPECIALS,
    "long": LONG,
}

ALL = [text for group in GROUPS.values() for text in group]
assert len(set(ALL)) == len(ALL), "a text twice"

# A handful from each group, for the tiny folders.
FEW = ["", "a", "字", "😀", PLAIN[0], PLAIN[20], PLAIN[25], LANGUAGES[0], LANGUAGES[2], LANGUAGES[12],
       LANGUAGES[18], LANGUAGES[29], LANGUAGES[31], LANGUAGES[47], EMOJI[4], EMOJI[15], CODE[0],
       CODE[5],
       NUMBERS[5], "a\x00b\x00c", "\x00", "cr\rlf\r\nend", " both ", "a\u3000b", CASING[5],
       CASING[6],
       ACCENTS[1], SPECIALS[1], SPECIALS[3], SPECIALS[4], SPECIALS[5], "x" * 101, LONG[5],
       " ".join(PLAIN[:12]), "字" * 80]
