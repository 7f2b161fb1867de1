//! Row A-89: at the highest level the log of the server tells no secret that was used.

use hallpass_testing::TestServer;
use hallpass_testing::server::{CLIENTS, production_settings};

use crate::log_lines::LogLines;

/// What fails is told with a reason, and never with what was tried.
const WRONG: &str = "planted-wrong-secret-51ce07";

async fn failures(server: &TestServer, secrets: &[(&str, String)]) {
    let token = "/oauth2/token";
    let form = [("grant_type", "client_credentials")];
    let refused = server.post_basic(token, ("svc", WRONG), &form).await;
    assert_eq!(refused.status, 401);
    for (name, secret) in secrets {
        // Row A-65: in the query nothing is read, and the path is all that may be told.
        server
            .get(&format!("/oauth2/userinfo?access_token={secret}"))
            .await;
        server
            .post(&format!("{token}?refresh_token={secret}"), &form)
            .await;
        for grant in [
            [("grant_type", "refresh_token"), ("refresh_token", secret)],
            [("grant_type", "authorization_code"), ("code", secret)],
        ] {
            let form = [&grant[..], &[("client_id", "other")]].concat();
            let refused = server.post(token, &form).await;
            assert_ne!(refused.status, 200, "{name}: {}", refused.body);
        }
        let asked = server.http().get(server.url("/oauth2/userinfo"));
        server.send(asked.bearer_auth(secret.trim())).await;
        server
            .post_basic("/oauth2/introspect", ("rs", WRONG), &[("token", secret)])
            .await;
        server.get(&format!("/device?user_code={secret}")).await;
    }
    let person = server.person();
    let page = person.open("/login").await;
    let fields = [("username", "ada"), ("password", WRONG)];
    assert_ne!(person.submit(&page, &fields).await.status, 303);
    let malformed = server.http().post(server.url(token)).body(WRONG);
    assert_eq!(server.send(malformed).await.status, 400);
}

#[tokio::test]
async fn a_89_s_126_the_log_tells_no_secret() {
    let log = LogLines::listen();
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("x.db").display());
    let toml = format!("register = {{ mode = \"open\" }}\n{CLIENTS}");
    let settings = hallpass_server::Settings {
        consent: None,
        ..production_settings(&toml, folder.path(), &database)
    };
    let server = TestServer::start(settings).await;
    let secrets = crate::dump::story(&server).await;
    failures(&server, &secrets).await;
    server.stop().await;

    let told = log.text();
    // It is the right log, at its highest level.
    assert!(log.has(&["DEBUG", "refreshed"]) && log.has(&["login.failure"]));
    let planted = [("wrong secret", WRONG.to_owned())];
    for (name, secret) in secrets.iter().chain(&planted) {
        assert!(!told.contains(secret.as_str()), "{name} was told");
        // Nor the part that makes a token one: its head is the same for all.
        if let Some(signature) = secret.rsplit('.').next().filter(|part| part.len() > 32) {
            assert!(!told.contains(signature), "{name}'s signature was told");
        }
    }
    assert!(secrets.len() >= 12, "{}", secrets.len());
}
