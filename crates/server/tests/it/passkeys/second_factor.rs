//! A passkey after a password: rows S-223, A-80.

use hallpass_protocol::jose::base64url;
use hallpass_testing::authenticator::USER_PRESENT;
use hallpass_testing::{Person, TestServer, claims_of};
use serde_json::json;

use super::steps::{Ask, VERIFIED, asked, assert_refused, is_signed_in, person_with_passkey};
use crate::accounts::{PASSWORD, log_in, redeem};

#[tokio::test]
async fn s_223_after_a_password_a_touch_is_enough_and_it_is_told() {
    let server = TestServer::production("").await;
    let (_, mut device) = person_with_passkey(&server, "ada").await;
    let browser = server.person();
    let path = Person::authorization_path_with("cli", "openid", &[]);
    let path = path.replace("/default/authorize", "/oauth2/authorize");
    let page = browser.open(&path).await;
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let page = browser.submit(&page, &fields).await;
    let ask = asked(&page, "get");
    let id = base64url::encode(&device.key.credential_id);
    assert_eq!(ask.options["allowCredentials"][0]["id"], json!(id));
    assert_eq!(
        ask.options["allowCredentials"][0]["transports"],
        json!(["internal"])
    );
    assert_eq!(ask.options["userVerification"], "preferred");
    // Nobody is signed in yet.
    assert!(!is_signed_in(&browser).await);
    let wrong = device.answer_with(&ask, |said| said.origin = "https://evil.example".to_owned());
    let page = ask.post(&browser, &wrong, &[]).await;
    assert_refused(&page);
    let ask = asked(&page, "get");
    device.flags = USER_PRESENT;
    let answer = device.answer(&ask);
    let answer = ask.post(&browser, &answer, &[]).await;
    let code = answer.redirect_parameters()["code"].clone();
    let tokens = redeem(&server, &code).await;
    let claims = claims_of(&tokens.member("id_token"));
    assert_eq!(claims["acr"], "phr");
    assert_eq!(claims["amr"], json!(["pwd", "hwk", "mfa"]));
}

#[tokio::test]
async fn a_80_a_touch_without_a_password_signs_nobody_in() {
    let server = TestServer::production("").await;
    let (_, mut ada) = person_with_passkey(&server, "ada").await;
    let (_, mut eve) = person_with_passkey(&server, "eve").await;
    // Eve knows her own password, and has found Ada's key.
    let browser = server.person();
    let second = asked(&log_in(&browser, "eve", PASSWORD).await, "get");
    ada.flags = USER_PRESENT;
    let touched = ada.answer(&second);
    assert_refused(&second.post(&browser, &touched, &[]).await);
    // The challenge of that step holds for a touch, but not on the page that signs in.
    let second = asked(&log_in(&browser, "eve", PASSWORD).await, "get");
    let mut first = asked(&browser.open("/login").await, "get");
    let sealed = second
        .form
        .hidden
        .iter()
        .find(|(name, _)| name == "challenge");
    first.form.replace(sealed.unwrap().clone());
    for (device, flags) in [(&mut ada, USER_PRESENT), (&mut eve, USER_PRESENT)] {
        device.flags = flags;
        let touched = device.answer(&second);
        assert_refused(&first.post(&browser, &touched, &[]).await);
    }
    // Nor does one of the sign-in page hold for the second step.
    let second = asked(&log_in(&browser, "eve", PASSWORD).await, "get");
    let fresh = asked(&browser.open("/login").await, "get");
    let sealed = fresh
        .form
        .hidden
        .iter()
        .find(|(name, _)| name == "challenge");
    let mut mixed = Ask {
        form: second.form.clone(),
        options: fresh.options.clone(),
    };
    mixed.form.replace(sealed.unwrap().clone());
    eve.flags = VERIFIED;
    let answer = eve.answer(&mixed);
    assert_refused(&mixed.post(&browser, &answer, &[]).await);
}
