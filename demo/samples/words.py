"""Texts of the sample courses: sentences on water in many languages, titles, and names of people."""

# ruff: noqa: RUF001  letters that look like others are what these texts are for

from __future__ import annotations

SENTENCES: dict[str, tuple[str, ...]] = {
    "en": (
        "Water moves through air, soil and sea, and no drop stays in one place for long.",
        "We measured the flow at the bridge and compared it with last year.",
        "The graph shows how the level rose after the storm & fell again by Sunday.",
        "Please add your own observation before Friday.",
        "Flow is speed times area: Q = v × A, and at our bridge Q < 40 m³/s.",
        "I am not sure that the “clean” sample was clean; the bottle had been used before.",
        "Who can bring a thermometer and a long rope?",
        "My grandmother says that the well was never dry before the road was built.",
    ),
    "es": (
        "El agua del río llega al mar después de muchos días.",
        "¿Por qué cambia el color del agua después de la lluvia?",
        "Medimos la temperatura junto al puente tres veces.",
    ),
    "fr": (
        "L’eau de la rivière était plus froide que nous ne le pensions.",
        "À marée basse, on voit les rochers couverts d’algues.",
        "J’ai comparé nos résultats avec ceux de l’année dernière.",
    ),
    "de": (
        "Nach dem Regen stieg der Pegel um zwölf Zentimeter.",
        "Unter der Brücke fließt der Fluss schneller.",
        "Können wir die Messung am nächsten Dienstag wiederholen?",
    ),
    "pt": ("A água da chuva enche o poço em poucas horas.", "As crianças mediram a profundidade do lago."),
    "it": ("L’acqua del lago è più calda in superficie.", "Perché il fiume è così basso d’estate?"),
    "pl": (
        "Źródło leży wysoko w górach, dlatego woda jest tak zimna.",
        "Zmierzyliśmy głębokość jeziora w trzech miejscach.",
    ),
    "cs": ("Řeka pramení v horách a teče přes celé město.",),
    "tr": ("Yağmurdan sonra nehrin suyu hızla yükseldi.", "Ölçümleri üç gün boyunca tekrarladık."),
    "ru": ("Весной река поднимается и заливает луга.", "Мы сравнили наши измерения с прошлогодними."),
    "uk": ("Після дощу вода в озері стала каламутною.",),
    "el": ("Το νερό του ποταμού φτάνει στη θάλασσα μετά από πολλές μέρες.",),
    "ar": ("يتبخر الماء من البحر ثم يعود مطرا.", "قسنا مستوى النهر ثلاث مرات."),
    "he": ("המים עולים אחרי הגשם ויורדים בקיץ.",),
    "fa": ("آب رودخانه پس از باران بالا آمد.",),
    "hi": ("बारिश के बाद नदी का पानी बढ़ गया।", "हमने पुल के पास तीन बार तापमान मापा।"),
    "bn": ("বৃষ্টির পরে নদীর জল বেড়ে গেছে।",),
    "ta": ("மழைக்குப் பிறகு ஆற்றில் நீர் உயர்ந்தது.",),
    "th": ("หลังฝนตก ระดับน้ำในแม่น้ำสูงขึ้น",),
    "vi": ("Sau cơn mưa, mực nước sông dâng cao.",),
    "zh": ("雨后河水上涨了十二厘米。", "我们在桥边测量了三次水温。"),
    "ja": ("雨のあと、川の水位が上がりました。", "橋の近くで水温を三回測りました。"),
    "ko": ("비가 온 뒤 강물이 불어났습니다.",),
    "sw": ("Baada ya mvua, maji ya mto yaliongezeka.",),
}

PEOPLE: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("en", "GB", ("Grace", "Oliver", "Amelia", "Harry"), ("O’Neill", "Ashworth", "Smith-Jones", "Taylor")),
    (
        "es",
        "MX",
        ("Lucía", "José María", "Ximena", "Íñigo"),
        ("García Márquez", "Núñez", "Peña", "de la Cruz"),
    ),
    ("fr", "FR", ("Zoé", "François", "Anaïs", "Léo"), ("Lefèvre", "d’Aubigné", "Müller", "Garçon")),
    ("de", "DE", ("Jürgen", "Änne", "Sören", "Käthe"), ("Groß", "Weiß", "von der Heide", "Schäfer")),
    ("pt", "BR", ("João", "Conceição", "Inês", "Thaís"), ("Gonçalves", "Araújo", "dos Santos", "Simões")),
    ("it", "IT", ("Niccolò", "Chiara", "Giosuè", "Bianca"), ("D’Angelo", "Rossi", "Esposito", "Forlì")),
    (
        "pl",
        "PL",
        ("Łukasz", "Małgorzata", "Bożena", "Święcisław"),
        ("Wójcik", "Żak", "Dąbrowska", "Kozłowski"),
    ),
    ("cs", "CZ", ("Jiří", "Žofie", "Ondřej", "Eliška"), ("Dvořák", "Nováková", "Růžička", "Čapek")),
    ("tr", "TR", ("İpek", "Çağrı", "Gülşah", "Ömer"), ("Yılmaz", "Şahin", "Özdemir", "Kılıç")),
    ("ru", "RU", ("Фёдор", "Анастасия", "Илья", "Мария"), ("Соловьёв", "Иванова", "Щукин", "Йовлева")),
    ("uk", "UA", ("Ївга", "Тарас", "Соломія", "Богдан"), ("Шевченко", "Ґалаґан", "Коваль", "Лисенко")),
    ("el", "GR", ("Ελένη", "Γιώργος", "Χρυσάνθη", "Ιάσων"), ("Παπαδόπουλος", "Ξενάκη", "Ρήγας", "Ζωγράφου")),
    ("ar", "EG", ("ليلى", "محمد", "نور", "خالد"), ("العربي", "المصري", "حداد", "ابن رشد")),
    ("he", "IL", ("נועה", "יונתן", "תמר", "אריאל"), ("כהן", "בן־דוד", "לוי", "פרץ")),
    ("fa", "IR", ("شیرین", "داریوش", "پریسا", "کاوه"), ("رضایی", "گلستانی", "پارسا", "ژاله")),
    ("hi", "IN", ("अनन्या", "कृष्ण", "ज्योति", "अर्जुन"), ("शर्मा", "त्रिपाठी", "सिंह", "मेहता")),
    ("bn", "BD", ("রবি", "সুচিত্রা", "অনিক", "তাহমিনা"), ("ঠাকুর", "সেন", "রহমান", "ইসলাম")),
    ("ta", "LK", ("கவிதா", "முருகன்", "யாழினி", "இளங்கோ"), ("சுப்ரமணியம்", "ராஜன்", "அழகு", "செல்வம்")),
    ("th", "TH", ("สมชาย", "กานดา", "ณัฐ", "พิมพ์"), ("ศรีสุข", "ใจดี", "ทองคำ", "วงศ์ไทย")),
    ("vi", "VN", ("Thị Hương", "Văn Đức", "Ngọc Ánh", "Quốc Bảo"), ("Nguyễn", "Trần", "Đặng", "Phạm")),
    ("zh", "CN", ("伟", "小明", "秀英", "思远"), ("王", "欧阳", "李", "張")),
    ("ja", "JP", ("さくら", "健太", "結衣", "翔"), ("髙橋", "渡邊", "佐々木", "小野")),
    ("ko", "KR", ("민준", "서연", "지우", "하은"), ("김", "남궁", "이", "박")),
    ("sw", "KE", ("Achieng", "Wanjirũ", "Baraka", "Neema"), ("Ng’ang’a", "Otieno", "Mwangi", "Kamau")),
    ("en", "NZ", ("Tāne", "Ngaio", "Māia", "Wiremu"), ("Te Rangi Hīroa", "Paewai", "Ngata", "Tūhoe")),
    (
        "en",
        "IS",
        ("Björk", "Þór", "Ægir", "Guðrún"),
        ("Guðmundsdóttir", "Jónsson", "Óðinsson", "Sigurðardóttir"),
    ),
    ("en", "US", ("Ruth", "Mary-Jane", "Renée", "Teller"), ("Null", "Tester", "Smith & Sons", "’t Hooft")),
)
"""Language, country, given names, family names."""

SECTIONS = (
    "The water cycle",
    "Rivers of the world",
    "Seas and coasts",
    "Cities and their water",
    "Water in stories",
    "Protecting water",
    "Ice and snow",
    "Water and energy",
    "Water and health",
    "Looking back",
)

TITLES: dict[str, tuple[str, ...]] = {
    "label": ("Welcome · Willkommen · 欢迎 · أهلا وسهلا", "This week at the river", "Before you go outside"),
    "page": (
        "How to read a gauge",
        "Why is the sea salty?",
        "Un fleuve, plusieurs noms",
        "Wasser in der Stadt",
        "水はどこから来るの?",
        "What the word “clean” means",
    ),
    "url": ("Live water levels", "A map of springs & wells", "Stories of the flood"),
    "resource": ("Field sheet", "Measurements of last year", "Map of the river", "Safety near water"),
    "folder": ("Photographs of the excursion", "Raw measurements"),
    "book": ("The river, from spring to sea", "Handbook of field work"),
    "forum": ("What did you see at the water?", "Questions & answers", "Teams at work"),
    "assign": ("Report on a river near you", "Measure the flow", "A story of water"),
    "choice": ("Which river shall we visit?", "When can you come?"),
    "glossary": ("Words of water", "Names of rivers"),
}

RIVERS = (
    "Amazon",
    "Danube",
    "长江",
    "Нил",
    "गंगा",
    "الفرات",
    "Tonlé Sap",
    "Waikato",
    "Tagliamento",
    "Zambezi",
    "Ísafjörður",
    "Ōi",
)

CONCEPTS = (
    ("estuary", "mouth of a river", "Where the river meets the tide."),
    ("aquifer", "groundwater", "Rock & sand that hold water like a sponge."),
    ("wadi", "وادي", "A valley that is dry until it rains."),
    ("fjord", "fjörður", "An arm of the sea between steep sides."),
    ("Wasserscheide", "watershed", "Der Kamm, an dem sich das Wasser entscheidet."),
    ("étiage", "low water", "Le niveau le plus bas d’un cours d’eau."),
    ("湧き水", "spring", "地面から自然に出てくる水。"),
    ("половодье", "spring flood", "Высокая вода весной, когда тает снег."),
    ("albufeira", "lagoon", "Uma lagoa separada do mar por uma faixa de areia."),
    ("meander", "bend", "A curve that wanders: inside slow, outside fast."),
    ("monsoon", "मानसून", "The season when the wind turns and brings rain."),
    ("pH < 7", "acid", "What is below seven is acid; rain is about 5.6."),
)

TAGS = ("River", "Field work", "Étude", "水", "Ökologie", "Data & graphs")
