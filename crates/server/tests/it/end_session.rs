//! Signing out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_testing::{Answer, Person, TestServer};

/// Signs ada in to `cli`: her ID token.
async fn sign_in(server: &TestServer, person: &Person) -> String {
    let code = person.authorize(server, "cli", "openid", "ada").await;
    server.redeem("cli", &code).await.member("id_token")
}

async fn is_signed_in(person: &Person) -> bool {
    let page = person
        .open(&Person::authorization_path("cli", "openid"))
        .await;
    !page.body.contains("name=\"username\"")
}

async fn end(person: &Person, parameters: &[(&str, &str)]) -> Answer {
    let url = reqwest::Url::parse_with_params("http://x/default/endsession", parameters).unwrap();
    person
        .open(&format!(
            "{}?{}",
            url.path(),
            url.query().unwrap_or_default()
        ))
        .await
}

fn assert_page(answer: &Answer) {
    assert_eq!(
        (answer.status, answer.header("location")),
        (200, ""),
        "{}",
        answer.body
    );
    assert!(answer.header("content-type").starts_with("text/html"));
}

const BYE: (&str, &str) = ("post_logout_redirect_uri", "http://127.0.0.1/bye");

#[tokio::test]
async fn s_240_a_hint_of_this_session_signs_out_at_once() {
    let server = TestServer::registered().await;
    let person = server.person();
    let hint = sign_in(&server, &person).await;
    assert!(is_signed_in(&person).await);
    let answer = end(
        &person,
        &[("id_token_hint", &hint), BYE, ("state", "a b&c")],
    )
    .await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, "http://127.0.0.1/bye?state=a+b%26c")
    );
    assert!(!is_signed_in(&person).await);
    // Nobody is signed in any more: that is no error.
    let again = end(&person, &[("id_token_hint", &hint), BYE]).await;
    assert_eq!(
        (again.status, again.header("location")),
        (303, "http://127.0.0.1/bye")
    );
    assert_page(&end(&person, &[]).await);
}

#[tokio::test]
async fn s_239_get_and_post_are_the_same() {
    let server = TestServer::registered().await;
    let person = server.person();
    let hint = sign_in(&server, &person).await;
    let form = [("id_token_hint", hint.as_str()), BYE];
    let post = person
        .http()
        .post(server.url("/default/endsession"))
        .form(&form);
    let answer = person.send(post).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, "http://127.0.0.1/bye")
    );
    assert!(!is_signed_in(&person).await);
    assert_page(&server.post("/default/endsession", &[]).await);
    let wrong = server
        .send(server.http().delete(server.url("/default/endsession")))
        .await;
    assert_eq!(
        (wrong.status, wrong.header("allow")),
        (405, "GET, HEAD, POST")
    );
}

#[tokio::test]
async fn s_240_s_243_without_a_hint_the_person_is_asked() {
    let server = TestServer::registered().await;
    let person = server.person();
    sign_in(&server, &person).await;
    let page = end(
        &person,
        &[
            ("client_id", "cli"),
            BYE,
            ("state", "st"),
            ("confirm", "yes"),
        ],
    )
    .await;
    assert_page(&page);
    assert!(is_signed_in(&person).await, "a GET ended the session");
    let form = hallpass_testing::person::forms(&page.body).remove(0);
    // Without the page's token, and with the answer no.
    let forged = hallpass_testing::person::Form {
        hidden: Vec::new(),
        ..form.clone()
    };
    assert_eq!(
        person
            .submit_form(&forged, &[("confirm", "yes")])
            .await
            .status,
        403
    );
    person.submit_form(&form, &[("confirm", "no")]).await;
    assert!(is_signed_in(&person).await);
    let answer = person.submit_form(&form, &[("confirm", "yes")]).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, "http://127.0.0.1/bye?state=st")
    );
    assert!(!is_signed_in(&person).await);
}

#[tokio::test]
async fn s_240_a_hint_of_another_session_asks() {
    let server = TestServer::registered().await;
    let (person, elsewhere) = (server.person(), server.person());
    let hint = sign_in(&server, &elsewhere).await;
    sign_in(&server, &person).await;
    assert_page(&end(&person, &[("id_token_hint", &hint), BYE]).await);
    assert!(is_signed_in(&person).await);
    let bob = server.person();
    bob.authorize(&server, "cli", "openid", "bob").await;
    assert_page(&end(&bob, &[("id_token_hint", &hint), BYE]).await);
    assert!(is_signed_in(&bob).await);
}

#[tokio::test]
async fn s_241_only_registered_addresses_are_redirected_to() {
    let server = TestServer::registered().await;
    let good = [
        "http://127.0.0.1/bye",
        "http://127.0.0.1:4711/bye",
        "https://app.test/bye",
    ];
    let bad = [
        "https://evil.test/",
        "https://app.test/bye/",
        "https://app.test/bye?x=1",
        "http://localhost/bye",
        "http://127.0.0.1/callback",
        "https://app.test:443/bye",
    ];
    for uri in good {
        let answer = end(
            &server.person(),
            &[("client_id", "cli"), ("post_logout_redirect_uri", uri)],
        )
        .await;
        assert_eq!((answer.status, answer.header("location")), (303, uri));
    }
    for uri in bad {
        let answer = end(
            &server.person(),
            &[("client_id", "cli"), ("post_logout_redirect_uri", uri)],
        )
        .await;
        assert_page(&answer);
        assert!(!answer.body.contains(&format!("href=\"{uri}")), "{uri}");
    }
    // Nobody says who the client is, or nobody knows it.
    assert_page(&end(&server.person(), &[BYE]).await);
    assert_page(&end(&server.person(), &[("client_id", "nobody"), BYE]).await);
    assert_page(&end(&server.person(), &[("client_id", "other"), BYE]).await);
}

#[tokio::test]
async fn s_242_hint_and_client_agree() {
    let server = TestServer::registered().await;
    let person = server.person();
    let hint = sign_in(&server, &person).await;
    assert_page(
        &end(
            &person,
            &[("id_token_hint", &hint), ("client_id", "other"), BYE],
        )
        .await,
    );
    let person = server.person();
    let hint = sign_in(&server, &person).await;
    let (input, signature) = hint.rsplit_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    bytes[0] ^= 1;
    let flipped = format!("{input}.{}", URL_SAFE_NO_PAD.encode(bytes));
    assert_page(
        &end(
            &person,
            &[("id_token_hint", &flipped), ("client_id", "cli"), BYE],
        )
        .await,
    );
    assert!(
        is_signed_in(&person).await,
        "a forged hint ended the session"
    );
    assert_page(&end(&person, &[("id_token_hint", &flipped), BYE]).await);
    let unsigned = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
        input.split('.').nth(1).unwrap()
    );
    assert_page(
        &end(
            &person,
            &[("id_token_hint", &unsigned), ("client_id", "cli"), BYE],
        )
        .await,
    );
    assert!(
        is_signed_in(&person).await,
        "an unsigned hint ended the session"
    );
    // A day later the hint still says which client asks; the session is over by itself.
    server.advance(24 * 3600);
    let answer = end(&person, &[("id_token_hint", &hint), BYE]).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, "http://127.0.0.1/bye")
    );
}

#[tokio::test]
async fn dev_mode_goes_back_to_any_loopback_address_of_a_named_client() {
    let server = TestServer::dev().await;
    let uri = "http://localhost:3000/after";
    let to = |uri| [("client_id", "any"), ("post_logout_redirect_uri", uri)];
    let answer = end(&server.person(), &to(uri)).await;
    assert_eq!((answer.status, answer.header("location")), (303, uri));
    assert_page(&end(&server.person(), &to("https://evil.test/")).await);
}
