//! What a client asks for, and somebody who is signed in proves: rows S-221, A-78, A-81.

use hallpass_testing::TestServer;
use hallpass_testing::person::forms;
use serde_json::json;

use super::steps::{
    asks_for_code, authorization, enrol, id_token, is_sign_in, session_of, show_code, wrong,
};
use crate::accounts::{PASSWORD, is_in, log_in};

#[tokio::test]
async fn s_221_a_81_what_a_client_asks_for_is_reached_or_refused() {
    let server = TestServer::production("").await;
    let document = server.get("/.well-known/openid-configuration").await;
    let offered = document.json()["acr_values_supported"].clone();
    assert_eq!(offered[0], "pwd");
    assert_eq!(offered[1], "mfa");
    let ask = |values: &str| authorization(&[("acr_values", values)]);
    let person = server.person_with_account("ada", PASSWORD).await;
    // What nobody reaches is said before anybody types anything.
    let refused = person.open(&ask("gold")).await.redirect_parameters();
    assert_eq!(refused["error"], "unmet_authentication_requirements");
    // Somebody without a second factor, after their password, and when they are signed in.
    let page = person.open(&ask("mfa")).await;
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let refused = person.submit(&page, &fields).await.redirect_parameters();
    assert_eq!(refused["error"], "unmet_authentication_requirements");
    assert_eq!(refused["state"], "st");
    assert!(session_of(&person).is_none());
    let code = crate::accounts::code(&person, "ada").await;
    assert_eq!(id_token(&server, &code).await["acr"], "pwd");
    let refused = person.open(&ask("mfa")).await.redirect_parameters();
    assert_eq!(refused["error"], "unmet_authentication_requirements");
    // With one they step up: the cookie is another one, the sign-in as old as it was.
    let second = server.person();
    let (app, _) = enrol(&server, &second, "ada").await;
    let silent = person
        .open(&authorization(&[("acr_values", "mfa"), ("prompt", "none")]))
        .await;
    assert_eq!(
        silent.redirect_parameters()["error"],
        "interaction_required"
    );
    let page = person.open(&ask("mfa")).await;
    assert!(asks_for_code(&page), "{}", page.body);
    // A password is no answer to that.
    let again = person
        .submit(&page, &[("username", "ada"), ("password", PASSWORD)])
        .await;
    assert!(!again.body.contains("Continue as") && again.header("location").is_empty());
    let wrong_code = show_code(&person, &page, &wrong(&app, &server, 1)).await;
    assert_eq!(wrong_code.status, 422);
    let before = session_of(&person);
    server.advance(30);
    let next = show_code(&person, &page, &app.code(&server)).await;
    assert_ne!(session_of(&person), before);
    let code = person.submit(&next, &[("action", "continue")]).await;
    let claims = id_token(&server, &code.redirect_parameters()["code"]).await;
    assert_eq!(
        (&claims["acr"], &claims["amr"]),
        (&json!("mfa"), &json!(["pwd", "otp", "mfa"]))
    );
    assert!(claims["auth_time"].as_i64() < Some(hallpass_testing::server::START + 30));
    // The cookie from before is nobody's.
    let stale = server.http().get(server.url("/account"));
    let stale = stale.header("cookie", format!("__Host-hp_s={}", before.unwrap()));
    assert!(is_sign_in(&server.send(stale).await));
    // A client is told one of the values that it asked for, and the truth when it asks no more.
    for (values, told) in [("pwd", "pwd"), ("gold mfa", "mfa"), ("", "mfa")] {
        let page = person.open(&ask(values)).await;
        let code = person.submit(&page, &[("action", "continue")]).await;
        let claims = id_token(&server, &code.redirect_parameters()["code"]).await;
        assert_eq!(claims["acr"], told, "{values}");
    }
}

#[tokio::test]
async fn a_81_the_button_of_a_weaker_request_is_no_way_to_a_stronger_one() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let first = server.person();
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    enrol(&server, &first, "ada").await;
    let page = person.open(&authorization(&[])).await;
    let mut form = forms(&page.body).remove(0);
    form.action.push_str("&acr_values=mfa");
    let answer = person.submit_form(&form, &[("action", "continue")]).await;
    assert!(asks_for_code(&answer), "{}", answer.body);
}
