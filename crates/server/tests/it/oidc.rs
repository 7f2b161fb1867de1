//! OpenID Connect over the code flow: ID tokens, `prompt`, `max_age`, and sign-in without a page.

use hallpass_testing::{Answer, Person, TestServer};

use crate::authorization::assert_redirect_error;

async fn tokens(server: &TestServer, client: &str, answer: &Answer) -> Answer {
    let sent = answer.redirect_parameters();
    let tokens = server.redeem(client, &sent["code"]).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    tokens
}

fn path(changes: &[(&str, &str)]) -> String {
    Person::authorization_path_with("cli", "openid", changes)
}

#[tokio::test]
async fn s_225_the_claims_of_an_id_token() {
    let server = TestServer::registered().await;
    let tokens = server.sign_in("cli", "openid", "ada").await;
    let claims = tokens.claims("id_token");
    let now = hallpass_testing::server::START;
    assert_eq!(claims["iss"], server.issuer());
    assert_eq!(
        (&claims["sub"], &claims["aud"], &claims["azp"]),
        (&"ada".into(), &"cli".into(), &"cli".into())
    );
    assert_eq!(
        (&claims["iat"], &claims["exp"]),
        (&now.into(), &(now + 3600).into())
    );
    assert_eq!(
        (&claims["auth_time"], &claims["nonce"]),
        (&now.into(), &"n-0S6_WzA2Mj".into())
    );
    assert_eq!(claims["at_hash"].as_str().map(str::len), Some(22));
    assert_eq!(claims["sid"], tokens.claims("access_token")["sid"]);
    assert_eq!(claims["tid"], "default");
    assert_eq!(tokens.claims("access_token")["nonce"], "n-0S6_WzA2Mj");
}

#[tokio::test]
async fn s_224_dev_mode_claims_no_method_of_sign_in() {
    let server = TestServer::registered().await;
    let tokens = server.sign_in("cli", "openid", "ada").await;
    for token in ["id_token", "access_token"] {
        let claims = tokens.claims(token);
        assert_eq!((&claims["acr"], claims.get("amr")), (&"dev".into(), None));
    }
}

#[tokio::test]
async fn s_225_s_226_without_openid_there_is_no_id_token() {
    let server = TestServer::registered().await;
    let tokens = server.sign_in("cli", "a", "ada").await;
    assert_eq!(
        (tokens.member("scope"), tokens.json().get("id_token")),
        ("a".to_owned(), None)
    );
    assert_eq!(
        server.userinfo(&tokens.member("access_token")).await.status,
        403
    );
}

#[tokio::test]
async fn s_234_the_nonce_is_optional_and_may_be_long() {
    let server = TestServer::registered().await;
    let without = server
        .person()
        .sign_in_at(&path(&[("nonce", "")]), "ada")
        .await;
    assert_eq!(
        tokens(&server, "cli", &without)
            .await
            .claims("id_token")
            .get("nonce"),
        None
    );
    for nonce in ["n".repeat(64), "n".repeat(300)] {
        let with = server
            .person()
            .sign_in_at(&path(&[("nonce", &nonce)]), "ada")
            .await;
        assert_eq!(
            tokens(&server, "cli", &with).await.claims("id_token")["nonce"],
            nonce
        );
    }
}

#[tokio::test]
async fn s_227_prompt_none_shows_no_page() {
    let server = TestServer::registered().await;
    let none = path(&[("prompt", "none")]);
    assert_redirect_error(&server, &server.get(&none).await, "login_required");
    for combined in ["none login", "login none", "none consent"] {
        let answer = server.get(&path(&[("prompt", combined)])).await;
        assert_redirect_error(&server, &answer, "invalid_request");
    }
    let person = server.person();
    person.sign_in_at(&path(&[]), "ada").await;
    assert_redirect_error(&server, &person.open(&none).await, "interaction_required");
    let old = path(&[("prompt", "none"), ("max_age", "10")]);
    server.advance(11);
    assert_redirect_error(&server, &person.open(&old).await, "login_required");
}

#[tokio::test]
async fn s_228_prompt_login_and_max_age_zero_force_a_new_sign_in() {
    let server = TestServer::registered().await;
    for force in [("prompt", "login"), ("max_age", "0")] {
        let person = server.person();
        let first = person.sign_in_at(&path(&[]), "ada").await;
        let before = tokens(&server, "cli", &first).await.claims("id_token");
        server.advance(100);
        let page = person.open(&path(&[force])).await;
        assert_eq!(page.status, 200);
        assert!(
            page.body.contains("name=\"username\""),
            "{force:?}: {}",
            page.body
        );
        let again = person.submit(&page, &[("username", "ada")]).await;
        let after = tokens(&server, "cli", &again).await.claims("id_token");
        let gap = after["auth_time"].as_i64().unwrap() - before["auth_time"].as_i64().unwrap();
        assert_eq!(gap, 100, "{force:?}");
    }
}

#[tokio::test]
async fn s_228_s_229_a_button_is_no_way_around_a_new_sign_in() {
    let server = TestServer::registered().await;
    let person = server.person();
    person.sign_in_at(&path(&[]), "ada").await;
    let confirm = person.open(&path(&[])).await;
    let mut form = hallpass_testing::person::forms(&confirm.body).remove(0);
    server.advance(100);
    for force in [("prompt", "login"), ("max_age", "60")] {
        form.action = path(&[force]);
        let answer = person.submit_form(&form, &[("action", "continue")]).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (200, ""),
            "{force:?}"
        );
        assert!(answer.body.contains("name=\"username\""), "{force:?}");
    }
}

#[tokio::test]
async fn s_229_max_age_is_enforced() {
    let server = TestServer::registered().await;
    let person = server.person();
    person.sign_in_at(&path(&[]), "ada").await;
    server.advance(2);
    let fresh = person.open(&path(&[("max_age", "100")])).await;
    assert!(!fresh.body.contains("name=\"username\""), "{}", fresh.body);
    let page = person.open(&path(&[("max_age", "1")])).await;
    assert!(page.body.contains("name=\"username\""), "{}", page.body);
    let answer = person.submit(&page, &[("username", "ada")]).await;
    let claims = tokens(&server, "cli", &answer).await.claims("id_token");
    assert_eq!(claims["auth_time"], hallpass_testing::server::START + 2);
}

#[tokio::test]
async fn s_230_prompt_consent_and_select_account_ask() {
    let server = TestServer::registered().await;
    let person = server.person();
    let web = |prompt| Person::authorization_path_with("web", "openid", &[("prompt", prompt)]);
    person.sign_in_at(&web(""), "ada").await;
    assert!(
        person
            .open(&web(""))
            .await
            .redirect_parameters()
            .contains_key("code")
    );
    for prompt in ["consent", "select_account"] {
        let page = person.open(&web(prompt)).await;
        assert_eq!(
            (page.status, page.header("location")),
            (200, ""),
            "{prompt}"
        );
        let denied = person.submit(&page, &[("action", "deny")]).await;
        assert_redirect_error(&server, &denied, "access_denied");
        let page = person.open(&web(prompt)).await;
        let agreed = person.submit(&page, &[("action", "continue")]).await;
        assert!(
            agreed.redirect_parameters().contains_key("code"),
            "{prompt}"
        );
    }
}

#[tokio::test]
async fn s_231_a_hint_of_somebody_else_is_login_required() {
    let server = TestServer::registered().await;
    let web = |changes: &[(&str, &str)]| Person::authorization_path_with("web", "openid", changes);
    let hint = server
        .sign_in("cli", "openid", "ada")
        .await
        .member("id_token");
    let (ada, bob) = (server.person(), server.person());
    ada.sign_in_at(&web(&[]), "ada").await;
    bob.sign_in_at(&web(&[]), "bob").await;
    // An expired hint will do.
    server.advance(2 * 3600);
    let silent = web(&[("prompt", "none"), ("id_token_hint", &hint)]);
    assert!(
        ada.open(&silent)
            .await
            .redirect_parameters()
            .contains_key("code")
    );
    assert_redirect_error(&server, &bob.open(&silent).await, "login_required");
    let asked = bob.open(&web(&[("id_token_hint", &hint)])).await;
    assert!(asked.body.contains("name=\"username\""), "{}", asked.body);
    let still_bob = bob.submit(&asked, &[("username", "bob")]).await;
    assert_redirect_error(&server, &still_bob, "login_required");
    let now_ada = bob.submit(&asked, &[("username", "ada")]).await;
    assert!(now_ada.redirect_parameters().contains_key("code"));
    let broken = format!("{}x", &hint[..hint.len() - 1]);
    let broken = web(&[("prompt", "none"), ("id_token_hint", &broken)]);
    assert_redirect_error(&server, &ada.open(&broken).await, "login_required");
}

#[tokio::test]
async fn without_interactive_login_somebody_new_signs_in_each_time() {
    let settings = hallpass_server::Settings {
        interactive_login: false,
        ..hallpass_server::Settings::for_tests()
    };
    let server = TestServer::start(settings).await;
    let (first, second) = (server.get(&path(&[])).await, server.get(&path(&[])).await);
    let subject = |tokens: Answer| {
        tokens.claims("id_token")["sub"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (first, second) = (
        tokens(&server, "cli", &first).await,
        tokens(&server, "cli", &second).await,
    );
    let (first, second) = (subject(first), subject(second));
    assert_eq!((first.len(), first == second), (36, false));
    for prompt in ["login", "consent", "select_account"] {
        let page = server.get(&path(&[("prompt", prompt)])).await;
        assert!(page.body.contains("name=\"username\""), "{prompt}");
    }
}
