/** Passwords of eight and more characters that lists of leaked ones have at their top, in lower case. */
export const commonPasswords: ReadonlySet<string> = new Set(
  `
  123456789 1234567890 12345678910 0123456789 123456789a a123456789 987654321 9876543210
  0987654321 1234512345 123123123 1231231234 123321123 112233445566 11223344556677
  147258369 789456123 123qwe123 123qweasd 123qweasdzxc 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y
  1qaz2wsx 1qaz2wsx3edc 1qazxsw2 q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 qwerty123 qwerty1234
  qwerty12345 qwerty123456 qwertyuiop qwertyuiop123 qwertyui asdfghjkl asdfghjkl123
  asdfasdf asdf1234 asdfqwer zxcvbnm123 zxcvbnm1234 zaq12wsx zaq1zaq1 qazwsxedc qazwsxedcrfv
  password password1 password12 password123 password1234 password12345 password123456
  passw0rd passw0rd1 passw0rd123 p@ssw0rd p@ssw0rd1 p@ssw0rd123 p@ssword p@ssword1 p@ssword123
  password! password1! password123! password@123 password2020 password2021 password2022
  password2023 password2024 password2025 password2026 mypassword mypassword1 mypassword123
  thisismypassword changeme123 changeme1234 changemenow changeme!! letmein123 letmein1234
  letmeinnow letmeinplease welcome123 welcome1234 welcome12345 welcome@123 welcome2020
  welcome2021 welcome2022 welcome2023 welcome2024 welcome2025 welcome2026 administrator
  administrator1 admin12345 admin123456 admin@123 admin@1234 adminadmin adminadmin1 superadmin
  superuser1 superuser123 rootroot root123456 toor123456 test123456 testtest123 testing123
  testing1234 test1234567 guest12345 guestguest user123456 username123 default123 default1234
  secret1234 secret12345 supersecret supersecret1 topsecret1 topsecret123 mysecretpassword
  iloveyou iloveyou1 iloveyou12 iloveyou123 iloveyou1234 iloveyou123456 sunshine1 sunshine12
  sunshine123 princess1 princess12 princess123 football1 football12 football123 baseball1
  baseball12 baseball123 basketball basketball1 superman1 superman12 superman123 batman12345
  spiderman1 spiderman123 pokemon123 pokemon1234 starwars1 starwars123 starwars12 trustno1
  trustno123 whatever1 whatever12 whatever123 michael123 michael1234 jennifer1 jennifer123
  jessica123 charlie123 charlie1234 dragon1234 dragon12345 monkey1234 monkey12345 monkey123456
  shadow1234 master1234 master12345 master123456 killer1234 hunter1234 freedom123 freedom1234
  computer1 computer12 computer123 internet1 internet12 internet123 liverpool1 liverpool123
  chelsea123 arsenal123 barcelona1 barcelona123 manchester manchester1 realmadrid realmadrid1
  abcd123456 abc1234567 abcdefgh123 abcdefghij abcdefghijk abcdefghijkl abcd1234567 a1b2c3d4e5
  a1b2c3d4e5f6 aa12345678 aa123456789 qq123456789 q123456789 w123456789 z123456789 asd123456
  asd123456789 woaini1314 woaini1314520 5201314520 1314520520 7777777777 helloworld helloworld1
  hello123456 hello12345 hello1234567 goodmorning goodmorning1 summer2020 summer2021 summer2022
  summer2023 summer2024 summer2025 summer2026 winter2020 winter2021 winter2022 winter2023
  winter2024 winter2025 winter2026 spring2023 spring2024 spring2025 spring2026 autumn2023
  autumn2024 autumn2025 autumn2026 company123 company1234 postgres123 postgres1234 postgrespassword
  correcthorsebatterystaple motdepasse123 contrasena123 passwort123 passwort1234 hallo123456
  `.trim().split(/\s+/),
);
