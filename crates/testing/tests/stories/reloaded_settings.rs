//! `hallpass serve` reads `server.toml` again at SIGHUP: what can change does, with the next request;
//! what cannot is named, and a file that cannot be read changes nothing.

use hallpass_testing::Answer;

use crate::desk::Desk;
use crate::production::{Database, PASSWORD, Production};

async fn ask_for_token(server: &Production) -> Answer {
    let request = reqwest::Client::new()
        .post(format!("{}/oauth2/token", server.url))
        .basic_auth("robot", Some("a secret of a robot"))
        .form(&[("grant_type", "client_credentials")]);
    Answer::try_read(request.send().await.unwrap())
        .await
        .unwrap()
}

const ROBOT: &str = r#"
[[client]]
id = "robot"
type = "confidential"
secret = "a secret of a robot"
grants = ["client_credentials"]
scopes = ["api:read"]

[[resource]]
id = "https://api.example.com"
scopes = { "api:read" = "Read" }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_reads_the_settings_again() {
    let mut server = Production::start(Database::File, &["ada"]);
    let before = server.settings();
    let desk = Desk::new(&server.url, 1);
    let person = desk.signed_in_person("ada").await;
    let mut mine = desk.sign_in_by_device(&person).await.unwrap();
    assert_eq!(ask_for_token(&server).await.refusal().1, "invalid_client");

    // A client, a resource, a name: with the next request, and nobody is signed out.
    let branding = "[branding]\nname = \"Renamed\"\n";
    server.configure(&format!("{before}{branding}{ROBOT}"));
    let heard = server.log().len();
    server.signal("HUP");
    server.wait_for_log(heard, "config.loaded").await;
    let answer = ask_for_token(&server).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let page = reqwest::get(format!("{}/login", server.url)).await.unwrap();
    assert!(page.text().await.unwrap().contains("Renamed"));
    let metadata = format!("{}/.well-known/openid-configuration", server.url);
    let metadata = reqwest::get(metadata).await.unwrap().text().await.unwrap();
    assert!(metadata.contains("api:read"), "{metadata}");
    desk.refresh(&mut mine).await;
    assert_eq!(person.open("/account").await.status, 200);

    // A mistake is named by its place, and all stays as it was.
    server.configure(&format!("{before}\n[ttl]\n  acces = \"1h\"\n"));
    let heard = server.log().len();
    server.signal("HUP");
    server.wait_for_log(heard, "config.refused").await;
    let line = before.lines().count() + 3;
    let place = format!("server.toml:{line}:3: unknown key `ttl.acces`");
    assert!(server.log().contains(&place), "{place}: {}", server.log());
    assert_eq!(ask_for_token(&server).await.status, 200);

    // What cannot change is named, and the rest is taken.
    let moved = before.replace("listen = \"127.0.0.1:", "listen = \"127.0.0.2:");
    server.configure(&moved);
    let heard = server.log().len();
    server.signal("HUP");
    server.wait_for_log(heard, "waits for a restart").await;
    assert!(server.log().contains("listen"), "{}", server.log());
    assert_eq!(ask_for_token(&server).await.refusal().1, "invalid_client");
    desk.refresh(&mut mine).await;

    server.signal("TERM");
    assert_eq!(server.end().code(), Some(0), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_password_must_not_be_is_read_again_too() {
    let mut server = Production::start(Database::File, &["ada"]);
    let before = server.settings();
    let list = server.file("passwords.txt");
    std::fs::write(&list, "correct horse battery\n").unwrap();
    let desk = Desk::new(&server.url, 1);
    let person = desk.signed_in_person("ada").await;
    let choose = async |password: &str| {
        let page = person.open("/account/password").await;
        let fields = [
            ("current", PASSWORD),
            ("new", password),
            ("repeated", password),
        ];
        person.submit(&page, &fields).await
    };
    server.configure(&format!(
        "{before}[branding]\nname = \"Analytical Ltd\"\n\n[login]\npassword_blocklist_file = {list:?}\n"
    ));
    let heard = server.log().len();
    server.signal("HUP");
    server.wait_for_log(heard, "config.loaded").await;
    for (password, why) in [
        ("correct horse battery", "tried first"),
        ("analytical ltd 1", "not the user name"),
    ] {
        let answer = choose(password).await;
        assert_eq!(answer.status, 422, "{password}");
        assert!(answer.body.contains(why), "{}", answer.body);
    }
    // A list that is gone is named, and the one that was read stays.
    std::fs::remove_file(&list).unwrap();
    let heard = server.log().len();
    server.signal("HUP");
    server.wait_for_log(heard, "config.refused").await;
    assert!(server.log().contains("passwords.txt"), "{}", server.log());
    assert_eq!(choose("correct horse battery").await.status, 422);
    // Without one anything goes that is long enough.
    server.configure(&before);
    let heard = server.log().len();
    server.signal("HUP");
    server.wait_for_log(heard, "config.loaded").await;
    let answer = choose("correct horse battery").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    server.signal("TERM");
    assert_eq!(server.end().code(), Some(0), "{}", server.log());
}
