//! Row A-100: what the server hands to a browser or a client for one purpose is worth nothing for
//! another, nor at another issuer.

use hallpass_protocol::Timestamp;
use hallpass_protocol::dpop::{self, ProofRequest};
use hallpass_protocol::jose::{Algorithm, SigningKey};
use hallpass_protocol::random::SystemRandom;
use hallpass_testing::person::{APPROVE, Form, forms};
use hallpass_testing::server::START;
use hallpass_testing::{Answer, Person, TestServer};
use url::Url;

use crate::accounts::{PASSWORD, code, is_active, is_in, log_in, redeem, refresh};
use crate::token::assert_json_refusal;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const INTERACTION: &str = "?interaction=";
const NONCES: &str = "[dpop]\nnonce = true\n";

/// The first form of a page.
fn form_of(page: &Answer) -> Form {
    let form = forms(&page.body)
        .into_iter()
        .find(|form| !form.action.is_empty());
    form.unwrap()
}

/// A page on which a person decides about a device.
async fn confirmation(server: &TestServer, person: &Person) -> Answer {
    let device = [("client_id", "cli"), ("scope", "openid")];
    let device = server.post("/oauth2/device_authorization", &device).await;
    let entry = person.open("/device").await;
    let user_code = device.member("user_code");
    person.submit(&entry, &[("user_code", &user_code)]).await
}

/// Asks for a token with a proof that carries this nonce.
async fn ask_with_nonce(server: &TestServer, nonce: &str) -> Answer {
    let key = SigningKey::generate(Algorithm::Es256, "k1").unwrap();
    let request = ProofRequest {
        htm: "POST",
        htu: &Url::parse("https://id.example.com/oauth2/token").unwrap(),
        access_token: None,
        nonce: Some(nonce),
        now: Timestamp::from_unix_seconds(START),
    };
    let proof = dpop::prove(&key, &request, &SystemRandom).unwrap();
    let asked = server.http().post(server.url("/oauth2/token"));
    let asked = asked.basic_auth("svc", Some("s3cret"));
    let asked = asked.form(&[("grant_type", "client_credentials")]);
    server.send(asked.header("DPoP", proof)).await
}

/// Every value that a person's browser holds, by what it is.
async fn values(server: &TestServer, person: &Person) -> Vec<(String, String)> {
    let page = confirmation(server, person).await;
    let form = form_of(&page);
    let (_, interaction) = form.action.split_once(INTERACTION).unwrap();
    let cookies = person.cookies().into_iter();
    let mut values: Vec<_> = cookies.chain(form.hidden).collect();
    values.push(("interaction".to_owned(), interaction.to_owned()));
    let asked = ask_with_nonce(server, "x").await;
    values.push(("nonce".to_owned(), asked.header("dpop-nonce").to_owned()));
    assert!(
        values.len() >= 6 && values.iter().all(|(_, value)| !value.is_empty()),
        "{values:?}"
    );
    values
}

#[tokio::test]
async fn a_100_s_266_what_a_browser_holds_is_no_token_code_or_nonce() {
    let server = TestServer::production(NONCES).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    let invalid_grant = (400, "invalid_grant".to_owned());
    for (name, value) in values(&server, &person).await {
        assert!(!is_active(&server, &value).await, "{name}");
        let asked = server.http().get(server.url("/oauth2/userinfo"));
        let asked = server.send(asked.bearer_auth(&value)).await;
        assert_eq!(asked.status, 401, "{name}");
        assert_eq!(
            refresh(&server, &value).await.refusal(),
            invalid_grant,
            "{name}"
        );
        assert_eq!(
            redeem(&server, &value).await.refusal(),
            invalid_grant,
            "{name}"
        );
        let polling = [
            ("grant_type", DEVICE_CODE),
            ("client_id", "cli"),
            ("device_code", value.as_str()),
        ];
        let polled = server.post("/oauth2/token", &polling).await;
        assert_eq!(polled.refusal(), invalid_grant, "{name}");
        let uri = format!("urn:ietf:params:oauth:request_uri:{value}").replace('+', "%2B");
        let path = format!("/oauth2/authorize?client_id=cli&request_uri={uri}");
        assert_eq!(server.get(&path).await.status, 400, "{name}");
        if name != "nonce" {
            let answer = ask_with_nonce(&server, &value).await;
            assert_json_refusal(&answer, 400, "use_dpop_nonce");
        }
    }
}

#[tokio::test]
async fn a_100_s_266_no_value_stands_in_for_another_on_a_page() {
    let server = TestServer::production(NONCES).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    let values = values(&server, &person).await;
    let page = confirmation(&server, &person).await;
    let good = form_of(&page);
    for field in ["csrf", "interaction"] {
        for (name, value) in values.iter().filter(|(name, _)| name != field) {
            let mut form = good.clone();
            for hidden in form.hidden.iter_mut().filter(|(name, _)| name == field) {
                hidden.1.clone_from(value);
            }
            if field == "interaction" {
                let (path, _) = good.action.split_once(INTERACTION).unwrap();
                form.action = format!("{path}{INTERACTION}{value}");
            }
            assert_ne!(form, good);
            let answer = person.submit_form(&form, APPROVE).await;
            assert!(
                (400..500).contains(&answer.status),
                "{name} as {field}: {}",
                answer.status
            );
        }
    }
    // None of it decided anything: the person still can.
    let done = person.submit(&page, APPROVE).await;
    assert!(done.body.contains("signed in"), "{}", done.body);
    // Nor is anything else somebody's session.
    let session = person.cookies()["__Host-hp_s"].clone();
    for (name, value) in &values {
        let asked = server.http().get(server.url("/oauth2/logout"));
        let asked = asked.header("cookie", format!("__Host-hp_s={value}"));
        let page = server.send(asked).await;
        let is_in = page.body.contains("Signed in as");
        assert_eq!(is_in, *value == session, "{name}");
    }
}

#[tokio::test]
async fn a_100_s_266_no_value_counts_at_another_issuer() {
    let (here, elsewhere) = (
        TestServer::production(NONCES).await,
        TestServer::production(NONCES).await,
    );
    let person = here.person_with_account("ada", PASSWORD).await;
    elsewhere.person_with_account("ada", PASSWORD).await;
    let tokens = redeem(&here, &code(&person, "ada").await).await;
    let held: Vec<_> = person
        .cookies()
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    let asked = elsewhere.http().get(elsewhere.url("/oauth2/logout"));
    let page = elsewhere
        .send(asked.header("cookie", held.join("; ")))
        .await;
    assert!(!page.body.contains("Signed in as"), "{}", page.body);
    let form = form_of(&confirmation(&here, &person).await);
    let fields = form.hidden.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    let fields: Vec<_> = fields.chain(APPROVE.iter().copied()).collect();
    let posted = elsewhere.http().post(elsewhere.url(&form.action));
    let posted = posted.header("cookie", held.join("; ")).form(&fields);
    let answer = elsewhere.send(posted).await;
    assert_ne!(answer.status, 200, "{}", answer.body);
    assert!(!answer.body.contains("signed in"), "{}", answer.body);
    let nonce = ask_with_nonce(&here, "x")
        .await
        .header("dpop-nonce")
        .to_owned();
    let answer = ask_with_nonce(&elsewhere, &nonce).await;
    assert_json_refusal(&answer, 400, "use_dpop_nonce");
    assert_eq!(ask_with_nonce(&here, &nonce).await.status, 200);
    let token = tokens.member("refresh_token");
    assert_eq!(
        refresh(&elsewhere, &token).await.refusal().1,
        "invalid_grant"
    );
    assert!(!is_active(&elsewhere, &tokens.member("access_token")).await);
    assert!(is_active(&here, &tokens.member("access_token")).await);
}
