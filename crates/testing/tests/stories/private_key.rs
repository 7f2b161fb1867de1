//! A program that proves itself with a private key: where the key may lie, and who gets to see it.

use std::os::unix::fs::PermissionsExt;

use crate::home::Home;
use crate::server_process::{Server, user_code};

const PEM: &str = include_str!("../../../protocol/tests/vectors/private_keys/ec_sec1.pem");
const ENCRYPTED: &str =
    include_str!("../../../protocol/tests/vectors/private_keys/ec_encrypted_pkcs8.pem");
/// A piece of the key that must be seen nowhere.
const CANARY: &str = "ZR7XWzVm2vsgx11F6qYv6sRBPYkA5TeX4Vc3j7fnNoAoG";

/// The public half, as the server is given it.
fn jwk() -> String {
    let key = hallpass_client::PrivateKey::parse(PEM).unwrap();
    let jwks = key.with_key_id("robot-1").unwrap().public_jwks();
    let members = jwks["keys"][0].as_object().unwrap().iter();
    let members: Vec<_> = members
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    format!("{{ {} }}", members.join(", "))
}

fn server() -> Server {
    let toml = format!(
        "[[client]]\nid = \"robot\"\ntype = \"confidential\"\nauth_method = \"private_key_jwt\"\n\
         jwks = {{ keys = [{}] }}\nscopes = [\"openid\", \"profile\", \"offline_access\", \"api:read\"]\n\
         grants = [\"client_credentials\", \"refresh_token\", \
         \"urn:ietf:params:oauth:grant-type:device_code\"]\n\
         [[client]]\nid = \"rs\"\ntype = \"confidential\"\nsecret = \"s\"\ngrants = []\nintrospect = true\n",
        jwk()
    );
    Server::with(&toml, &["--strict"])
}

fn profile(server: &Server, more: &str) -> String {
    let issuer = &server.issuer;
    format!(
        "version = 1\n[profile.robot]\nissuer = \"{issuer}\"\nclient_id = \"robot\"\n\
         scopes = [\"api:read\"]\nflow = \"client-credentials\"\n{more}\n"
    )
}

#[tokio::test]
async fn c_57_a_key_of_a_file_a_variable_or_a_command_fetches_tokens_and_is_seen_nowhere() {
    let (server, home) = (server(), Home::new());
    let file = home.write("robot.pem", PEM);
    let cat = format!("private_key = {{ cmd = [\"cat\", \"{file}\"] }}");
    for place in [
        "private_key = { file = \"../robot.pem\" }",
        "private_key = { env = \"ROBOT_KEY\" }",
        &cat,
    ] {
        let text = profile(&server, &format!("private_key_id = \"robot-1\"\n{place}"));
        let config = home.write("config.toml", &text);
        let words = [
            "token", "robot", "--config", &config, "-vvv", "--trace", "trace",
        ];
        let mut command = home.hallpass(&words);
        command.env("ROBOT_KEY", PEM).current_dir(home.path(""));
        if place.contains("..") {
            // A path of the file lies beside the file.
            std::fs::create_dir_all(home.path("conf")).unwrap();
            let beside = home.write("conf/config.toml", &text);
            command = home.hallpass(&[
                "token", "robot", "--config", &beside, "-vvv", "--trace", "trace",
            ]);
        }
        let ran: crate::home::Ran = command.output().unwrap().into();
        assert_eq!(ran.code, Some(0), "{place}: {ran}");
        assert!(server.is_active(ran.line()).await);
        let trace = std::fs::read_to_string(home.path("trace")).unwrap();
        assert!(trace.contains("client_assertion"), "{trace}");
        for told in [&ran.stderr, &trace] {
            assert!(
                !told.contains(CANARY) && !told.contains("eyJhbGciOiJFUzI1NiIs"),
                "{told}"
            );
        }
        assert!(home.sessions().is_empty());
    }
}

#[tokio::test]
async fn c_57_a_person_signs_in_with_the_key_of_a_flag_and_the_profile_remembers_its_place() {
    let (server, home) = (server(), Home::new());
    let file = home.write("robot.pem", PEM);
    let words = [
        "login",
        "--issuer",
        &server.issuer,
        "--client-id",
        "robot",
        "--private-key-file",
        &file,
        "--private-key-id",
        "robot-1",
        "--device",
    ];
    let terminal = home.types(&words);
    let code = terminal.wait_until("a user code", user_code);
    server.person().approve(&code, "ada").await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    let first = home.runs(&["token", "--json"]).json();
    let second = home.runs(&["token", "--refresh", "--json"]).json();
    assert_ne!(first["access_token"], second["access_token"]);
    let logout = home.runs(&["logout", "--json"]).json();
    let steps = logout["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["result"] == "ok"), "{logout}");
    let shown = home.runs(&["profile", "show"]);
    assert!(shown.stdout.contains("robot.pem"), "{shown}");
    assert!(shown.stdout.contains("robot-1"), "{shown}");
    assert!(!shown.to_string().contains(CANARY), "{shown}");
}

#[test]
fn c_38_a_key_that_others_can_read_is_refused_before_anything_is_sent() {
    let (server, home) = (server(), Home::new());
    let file = home.write("robot.pem", PEM);
    let text = profile(&server, "private_key = { file = \"robot.pem\" }");
    let config = home.write("config.toml", &text);
    let words = ["token", "robot", "--config", &config];
    for mode in [0o644, 0o604, 0o666] {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        let refused = home.run(&words);
        assert_eq!(refused.code, Some(5), "{refused}");
        let said = format!("others can read the private key in {file} (mode {mode:o})");
        assert!(refused.stderr.contains(&said), "{refused}");
        assert!(
            refused.stderr.contains(&format!("chmod 600 {file}")),
            "{refused}"
        );
        assert_eq!(refused.stdout, "");
    }
}

#[test]
fn a_key_that_cannot_be_used_is_named_with_what_to_do() {
    let (server, home) = (server(), Home::new());
    for (key, more, said, hint) in [
        (
            ENCRYPTED,
            "",
            "encrypted with a passphrase",
            "openssl pkcs8",
        ),
        (
            "canary-no-key",
            "",
            "neither a private key",
            "BEGIN PRIVATE KEY",
        ),
        (PEM, "private_key_id = \"\"", "1 to 256", "`kid`"),
        (
            PEM,
            "client_secret = { env = \"S\" }",
            "has a client secret and a private key",
            "auth_method",
        ),
        (
            PEM,
            "auth_method = \"client_secret_basic\"\nclient_secret = { env = \"S\" }",
            "S holds no",
            "set S",
        ),
    ] {
        home.write("robot.pem", key);
        let text = format!("private_key = {{ file = \"robot.pem\" }}\n{more}");
        let config = home.write("config.toml", &profile(&server, &text));
        let refused = home.run(&["token", "robot", "--config", &config]);
        assert_eq!(refused.code, Some(5), "{refused}");
        assert!(refused.stderr.contains(said), "{said}: {refused}");
        assert!(refused.stderr.contains(hint), "{hint}: {refused}");
        assert!(!refused.stderr.contains("canary-no-key"), "{refused}");
    }
    let none = profile(&server, "auth_method = \"private_key_jwt\"");
    let config = home.write("config.toml", &none);
    let refused = home.run(&["token", "robot", "--config", &config]);
    assert_eq!(refused.code, Some(5), "{refused}");
}

#[test]
fn a_120_a_profile_with_a_key_stays_with_its_issuer() {
    let (server, home) = (server(), Home::new());
    home.write("robot.pem", PEM);
    let text = profile(&server, "private_key = { file = \"robot.pem\" }");
    let config = home.write("config.toml", &text);
    let elsewhere = Server::with("", &[]);
    let mut command = home.hallpass(&["token", "robot", "--config", &config]);
    command.env("HALLPASS_ISSUER", &elsewhere.issuer);
    let refused: crate::home::Ran = command.output().unwrap().into();
    assert_eq!(refused.code, Some(5), "{refused}");
    assert!(refused.stderr.contains("belongs to"), "{refused}");
}
