import type { Random } from "./random.ts";

/** Names of one language: each given and family name as it is written, and in ASCII for addresses. */
interface Language {
  code: string;
  country: string;
  cities: string[];
  dialling: string;
  given: string;
  family: string;
  /** The family name comes first, without a space. */
  familyFirst?: boolean;
}

export interface Person {
  name: string;
  /** Lower-case ASCII, like `anna.kowalska`. */
  address: string;
  language: string;
  country: string;
  city: string;
  phone: string;
}

const languages: Language[] = [
  {
    code: "en",
    country: "United Kingdom",
    cities: ["Leeds", "Bristol", "Aberystwyth"],
    dialling: "44",
    given: "Amelia=amelia Oliver=oliver Siân=sian Dewi=dewi Niamh=niamh Callum=callum",
    family: "O'Connor=oconnor Whitfield=whitfield Lloyd-Jones=lloydjones Okafor=okafor Patel=patel",
  },
  {
    code: "de",
    country: "Deutschland",
    cities: ["Köln", "Münster", "Görlitz"],
    dialling: "49",
    given: "Jürgen=juergen Käthe=kaethe Sören=soeren Anneliese=anneliese Björn=bjoern",
    family: "Müller=mueller Weiß=weiss Schönfeld=schoenfeld Großmann=grossmann Jäger=jaeger",
  },
  {
    code: "pl",
    country: "Polska",
    cities: ["Łódź", "Kraków", "Świnoujście"],
    dialling: "48",
    given: "Łukasz=lukasz Małgorzata=malgorzata Żaneta=zaneta Stanisław=stanislaw Zofia=zofia",
    family: "Wójcik=wojcik Dąbek=dabek Zięba=zieba Łęcki=lecki Śliwa=sliwa",
  },
  {
    code: "es",
    country: "México",
    cities: ["Mérida", "Querétaro", "León"],
    dialling: "52",
    given: "José=jose Ángela=angela Íñigo=inigo Begoña=begona Raúl=raul",
    family: "Núñez=nunez Muñoz=munoz Gutiérrez=gutierrez Peña=pena Ibáñez=ibanez",
  },
  {
    code: "vi",
    country: "Việt Nam",
    cities: ["Hà Nội", "Đà Nẵng", "Huế"],
    dialling: "84",
    given: "Đức=duc Thảo=thao Hằng=hang Tuấn=tuan Quỳnh=quynh",
    family: "Nguyễn=nguyen Trần=tran Phạm=pham Võ=vo Đặng=dang",
  },
  {
    code: "tr",
    country: "Türkiye",
    cities: ["İzmir", "Eskişehir", "Diyarbakır"],
    dialling: "90",
    given: "Işıl=isil İbrahim=ibrahim Gülşen=gulsen Çağrı=cagri Ömer=omer",
    family: "Yılmaz=yilmaz Öztürk=ozturk Şahin=sahin Çelik=celik Doğan=dogan",
  },
  {
    code: "uk",
    country: "Україна",
    cities: ["Київ", "Львів", "Чернівці"],
    dialling: "380",
    given: "Олена=olena Тарас=taras Оксана=oksana Юрій=yurii Соломія=solomiia",
    family: "Шевченко=shevchenko Коваль=koval Мельник=melnyk Лисенко=lysenko Бондар=bondar",
  },
  {
    code: "el",
    country: "Ελλάδα",
    cities: ["Αθήνα", "Θεσσαλονίκη", "Χανιά"],
    dialling: "30",
    given: "Νίκος=nikos Ελένη=eleni Γιώργος=giorgos Αικατερίνη=aikaterini Σπύρος=spyros",
    family: "Παπαδάκης=papadakis Οικονόμου=oikonomou Ρήγας=rigas Βλάχος=vlachos Δήμας=dimas",
  },
  {
    code: "ka",
    country: "საქართველო",
    cities: ["თბილისი", "ქუთაისი", "ბათუმი"],
    dialling: "995",
    given: "ნინო=nino გიორგი=giorgi თამარ=tamar ლევან=levan ქეთევან=ketevan",
    family: "ბერიძე=beridze კაპანაძე=kapanadze გელაშვილი=gelashvili ლომიძე=lomidze",
  },
  {
    code: "hy",
    country: "Հայաստան",
    cities: ["Երևան", "Գյումրի"],
    dialling: "374",
    given: "Անի=ani Տիգրան=tigran Նարեկ=narek Շուշան=shushan",
    family: "Սարգսյան=sargsyan Պետրոսյան=petrosyan Հակոբյան=hakobyan",
  },
  {
    code: "ar",
    country: "مصر",
    cities: ["القاهرة", "الإسكندرية", "أسوان"],
    dialling: "20",
    given: "فاطمة=fatima أحمد=ahmed ليلى=layla يوسف=yousef نور=nour",
    family: "المصري=elmasry حسن=hassan النجار=elnaggar سليمان=soliman منصور=mansour",
  },
  {
    code: "he",
    country: "ישראל",
    cities: ["חיפה", "באר שבע"],
    dialling: "972",
    given: "נועה=noa יואב=yoav תמר=tamar איתן=eitan",
    family: "כהן=cohen לוי=levi מזרחי=mizrahi פרידמן=friedman",
  },
];

/** Few of the people have names in scripts that many systems lack fonts for. */
const distantShare = 0.05;

const distantLanguages: Language[] = [
  {
    code: "am",
    country: "ኢትዮጵያ",
    cities: ["አዲስ አበባ", "ጎንደር"],
    dialling: "251",
    given: "አበበ=abebe ሰላም=selam ዳዊት=dawit ሄለን=helen",
    family: "በቀለ=bekele ተስፋዬ=tesfaye ገብረ=gebre ኃይሌ=haile",
  },
  {
    code: "hi",
    country: "भारत",
    cities: ["दिल्ली", "जयपुर", "वाराणसी"],
    dialling: "91",
    given: "प्रिया=priya अर्जुन=arjun मीरा=meera विक्रम=vikram कृष्णा=krishna",
    family: "शर्मा=sharma सिंह=singh गुप्ता=gupta त्रिपाठी=tripathi यादव=yadav",
  },
  {
    code: "ta",
    country: "இந்தியா",
    cities: ["சென்னை", "மதுரை"],
    dialling: "91",
    given: "கவிதா=kavitha முருகன்=murugan செல்வி=selvi அருண்=arun",
    family: "சுப்பிரமணியன்=subramanian ராஜன்=rajan கண்ணன்=kannan",
  },
  {
    code: "th",
    country: "ประเทศไทย",
    cities: ["กรุงเทพฯ", "เชียงใหม่"],
    dialling: "66",
    given: "สมชาย=somchai กัญญา=kanya ณัฐ=nat พิมพ์=pim",
    family: "ใจดี=jaidee ศรีสุข=srisuk บุญมี=boonmee ทองดี=thongdee",
  },
  {
    code: "zh",
    country: "中国",
    cities: ["杭州", "成都", "哈尔滨"],
    dialling: "86",
    given: "秀英=xiuying 伟=wei 芳=fang 建国=jianguo 梓涵=zihan",
    family: "王=wang 李=li 欧阳=ouyang 陈=chen 𠮷=ji",
    familyFirst: true,
  },
  {
    code: "ja",
    country: "日本",
    cities: ["札幌", "京都", "那覇"],
    dialling: "81",
    given: "さくら=sakura 翔太=shota 美咲=misaki ケンジ=kenji 陽菜=hina",
    family: "佐藤=sato 髙橋=takahashi 渡邊=watanabe 山﨑=yamazaki 小林=kobayashi",
    familyFirst: true,
  },
  {
    code: "ko",
    country: "대한민국",
    cities: ["서울", "부산", "전주"],
    dialling: "82",
    given: "지우=jiwoo 민준=minjun 서연=seoyeon 하늘=haneul",
    family: "김=kim 이=lee 박=park 남궁=namgoong",
    familyFirst: true,
  },
];

function pickName(random: Random, names: string): [written: string, ascii: string] {
  return random.pick(names.split(" ")).split("=") as [string, string];
}

/** Somebody with a name that goes with their language, country and city. */
export function person(random: Random): Person {
  const language = random.pick(random.chance(distantShare) ? distantLanguages : languages);
  const [given, givenAscii] = pickName(random, language.given);
  const [family, familyAscii] = pickName(random, language.family);
  const digits = () => String(random.whole(0, 999)).padStart(3, "0");
  return {
    name: language.familyFirst ? `${family}${given}` : `${given} ${family}`,
    address: `${givenAscii}.${familyAscii}`,
    language: language.code,
    country: language.country,
    city: random.pick(language.cities),
    phone: `+${language.dialling} ${digits()} ${digits()} ${digits()}`,
  };
}
