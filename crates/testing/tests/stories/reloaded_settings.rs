//! `hallpass serve` reads `server.toml` again at SIGHUP: what can change does, with the next request;
//! what cannot is named, and a file that cannot be read changes nothing.

use hallpass_testing::Answer;

use crate::desk::Desk;
use crate::production::{Database, Production};

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
