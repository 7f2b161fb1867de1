//! The page that shows who asks, and takes the decision: rows S-13 to S-16, S-276 and their attacks.

use hallpass_testing::person::{APPROVE, Form, forms};
use hallpass_testing::{Answer, Person, TestServer};

async fn start(server: &TestServer) -> (String, String) {
    let started = server.start_device("cli", "openid api:read").await;
    (started.member("device_code"), started.member("user_code"))
}

/// The error of the next poll; the poll is never early.
async fn polled(server: &TestServer, device_code: &str) -> String {
    server.advance(30);
    server.poll("cli", device_code).await.refusal().1
}

#[track_caller]
fn is_not_valid(page: &Answer) {
    assert_eq!(page.status, 422, "{}", page.body);
    assert!(
        page.body.contains("That code isn&#39;t valid any more."),
        "{}",
        page.body
    );
}

fn decision_of(page: &Answer) -> Form {
    forms(&page.body).into_iter().next().unwrap()
}

fn without_token(page: &Answer) -> Form {
    Form {
        hidden: Vec::new(),
        ..decision_of(page)
    }
}

fn session_of(person: &Person) -> Option<String> {
    let cookies = person.cookies();
    cookies
        .into_iter()
        .find(|(name, _)| name.starts_with("hallpass_session"))
        .map(|(_, value)| value)
}

#[tokio::test]
async fn s_13_the_page_says_who_asks_for_what() {
    let server = TestServer::dev().await;
    let form = [("client_id", "acme-cli"), ("scope", "openid api:read")];
    let request = server
        .http()
        .post(server.url("/default/device/authorize"))
        .form(&form);
    let started = server
        .send(request.header("user-agent", "acme-cli/7.1 (Linux)"))
        .await;
    server.advance(12);
    let page = server
        .person()
        .enter_code(&started.member("user_code"), "ada")
        .await;
    assert_eq!(page.status, 200);
    for shown in [
        "Sign in <bdi>acme-cli</bdi> on another device?",
        "A command-line program in a terminal gets access to your account.",
        "Refuse if you did not start it.",
        "<bdi>ada</bdi>",
        &started.member("user_code"),
        "acme-cli/7.1 (Linux)",
        "know who you are on this server",
        "api:read",
        "12 seconds ago",
        "Same as yours",
    ] {
        assert!(
            page.body.contains(shown),
            "{shown} is not on the page: {}",
            page.body
        );
    }
    let address = ["<dd><bdi>127.0.0.1", "<dd><bdi>::1"]
        .into_iter()
        .any(|shown| page.body.contains(shown));
    assert!(address, "no address: {}", page.body);
    // Both decisions are buttons of one row; refusing is the one that Enter presses.
    let (deny, approve) = (
        page.body.find("value=\"deny\"").unwrap(),
        page.body.find("value=\"approve\"").unwrap(),
    );
    assert!(deny < approve && approve - deny < 300, "{}", page.body);
}

#[tokio::test]
async fn s_13_an_old_request_is_pointed_out() {
    let server = TestServer::dev().await;
    let (_, user_code) = start(&server).await;
    server.advance(181);
    let page = server.person().enter_code(&user_code, "ada").await;
    assert!(
        page.body
            .contains("If somebody sent you the code, deny it."),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn s_13_s_249_s_270_another_network_is_pointed_out() {
    let server = TestServer::dev().await;
    let (_, user_code) = start(&server).await;
    let person = server.person();
    let page = person.enter_code(&user_code, "ada").await;
    let path = decision_of(&page).action;
    let forwarded = person
        .http()
        .get(server.url(&path))
        .header("x-forwarded-for", "10.0.0.9");
    let page = person.send(forwarded).await;
    assert!(
        page.body.contains("Cannot be compared with yours"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn s_13_nobody_decides_without_signing_in() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let person = server.person();
    let login = person.try_code(&user_code).await;
    for action in ["approve", "deny", "report"] {
        let answer = person
            .submit(&login, &[("action", action), ("confirm", "on")])
            .await;
        assert!(answer.body.contains("name=\"username\""), "{}", answer.body);
    }
    assert_eq!(polled(&server, &device_code).await, "authorization_pending");
}

#[tokio::test]
async fn s_14_the_box_must_be_ticked() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let person = server.person();
    let page = person.enter_code(&user_code, "ada").await;
    for fields in [
        &[("action", "approve")][..],
        &[("action", "approve"), ("confirm", "off")],
    ] {
        assert_eq!(person.submit(&page, fields).await.status, 403);
    }
    assert_eq!(polled(&server, &device_code).await, "authorization_pending");
    // What no button of the page sends decides nothing.
    assert_eq!(
        person
            .submit(&page, &[("action", "x"), ("confirm", "on")])
            .await
            .status,
        403
    );
    assert_eq!(polled(&server, &device_code).await, "authorization_pending");
}

#[tokio::test]
async fn s_14_s_15_opening_the_page_decides_nothing() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let person = server.person();
    let page = person.enter_code(&user_code, "ada").await;
    let path = decision_of(&page).action;
    let opened = person
        .open(&format!("{path}&action=approve&confirm=on"))
        .await;
    assert_eq!(opened.status, 200);
    assert_eq!(polled(&server, &device_code).await, "authorization_pending");
}

#[tokio::test]
async fn s_15_a_07_a_decision_needs_the_pages_token_and_no_frame() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let person = server.person();
    let page = person.enter_code(&user_code, "ada").await;
    assert!(
        page.header("content-security-policy")
            .contains("frame-ancestors 'none'")
    );
    assert_eq!(page.header("x-frame-options"), "DENY");
    let bare = without_token(&page);
    assert_eq!(person.submit_form(&bare, APPROVE).await.status, 403);
    assert_eq!(
        person
            .submit_form(&bare, &[("action", "deny")])
            .await
            .status,
        403
    );
    let forged = [
        ("csrf", "e30.AAAA"),
        ("action", "approve"),
        ("confirm", "on"),
    ];
    assert_eq!(person.submit_form(&bare, &forged).await.status, 403);
    // The token of another form of this browser is for another thing.
    let entry = person.open("/default/device").await;
    let borrowed = Form {
        hidden: decision_of(&entry).hidden,
        ..bare
    };
    assert_eq!(person.submit_form(&borrowed, APPROVE).await.status, 403);
    assert_eq!(polled(&server, &device_code).await, "authorization_pending");
}

#[tokio::test]
async fn s_15_the_token_ends_with_the_session() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let person = server.person();
    let shown_to_ada = person.enter_code(&user_code, "ada").await;
    // In another tab of the same browser somebody else signs in.
    let login = person.open("/default/login").await;
    person.submit(&login, &[("username", "eve")]).await;
    assert_eq!(person.submit(&shown_to_ada, APPROVE).await.status, 403);
    assert_eq!(polled(&server, &device_code).await, "authorization_pending");
}

#[tokio::test]
async fn a_08_another_origin_cannot_decide_with_the_persons_cookie() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let person = server.person();
    let page = person.enter_code(&user_code, "ada").await;
    let form = decision_of(&page);
    let post = |fields: &[(String, String)]| {
        person
            .http()
            .post(server.url(&form.action))
            .header("origin", "https://evil.test")
            .form(&fields)
    };
    let decision = APPROVE
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let decision: Vec<(String, String)> = decision.collect();
    assert_eq!(person.send(post(&decision)).await.status, 403);
    // Even if it had the token: the browser says where the form came from.
    let whole: Vec<_> = form.hidden.iter().cloned().chain(decision).collect();
    let answer = person
        .send(post(&whole).header("sec-fetch-site", "cross-site"))
        .await;
    assert_eq!(answer.status, 403);
    assert_eq!(polled(&server, &device_code).await, "authorization_pending");
}

#[tokio::test]
async fn s_16_a_09_a_decided_code_cannot_be_decided_again() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let (ada, eve) = (server.person(), server.person());
    let (to_ada, to_eve) = (
        ada.enter_code(&user_code, "ada").await,
        eve.enter_code(&user_code, "eve").await,
    );
    let done = ada.submit(&to_ada, APPROVE).await;
    assert_eq!(done.status, 200);
    is_not_valid(&eve.submit(&to_eve, APPROVE).await);
    is_not_valid(&eve.submit(&to_eve, &[("action", "deny")]).await);
    is_not_valid(&ada.submit(&to_ada, APPROVE).await);
    is_not_valid(&ada.submit(&to_ada, &[("action", "deny")]).await);
    is_not_valid(&eve.try_code(&user_code).await);
    let tokens = server.poll("cli", &device_code).await;
    assert_eq!(
        server
            .userinfo(&tokens.member("access_token"))
            .await
            .member("sub"),
        "ada"
    );
    is_not_valid(&ada.submit(&to_ada, &[("action", "deny")]).await);
    assert!(server.is_active(&tokens.member("access_token")).await);
}

const TAKE_BACK: &[(&str, &str)] = &[("action", "revoke")];

#[tokio::test]
async fn s_16_an_approval_can_be_taken_back_before_the_device_comes() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let person = server.person();
    let page = person.enter_code(&user_code, "ada").await;
    let done = person.submit(&page, APPROVE).await;
    let back = person.submit(&done, TAKE_BACK).await;
    assert_eq!(back.status, 200);
    assert!(back.body.contains("The device is signed out"));
    assert_eq!(polled(&server, &device_code).await, "access_denied");
    is_not_valid(&person.submit(&done, TAKE_BACK).await);
}

#[tokio::test]
async fn s_16_an_approval_taken_back_later_ends_the_tokens() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let person = server.person();
    let page = person.enter_code(&user_code, "ada").await;
    let done = person.submit(&page, APPROVE).await;
    let tokens = server.poll("cli", &device_code).await;
    assert!(server.is_active(&tokens.member("access_token")).await);
    let back = person.submit(&done, TAKE_BACK).await;
    assert!(back.body.contains("The device is signed out"));
    assert!(!server.is_active(&tokens.member("access_token")).await);
}

#[tokio::test]
async fn a_09_only_who_approved_takes_it_back() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let (ada, eve) = (server.person(), server.person());
    let (to_ada, to_eve) = (
        ada.enter_code(&user_code, "ada").await,
        eve.enter_code(&user_code, "eve").await,
    );
    let done = ada.submit(&to_ada, APPROVE).await;
    is_not_valid(&eve.submit(&to_eve, TAKE_BACK).await);
    is_not_valid(&eve.submit(&done, TAKE_BACK).await);
    let unsigned = ada.submit_form(&without_token(&done), TAKE_BACK).await;
    assert_eq!(unsigned.status, 403);
    let tokens = server.poll("cli", &device_code).await;
    is_not_valid(&eve.submit(&to_eve, TAKE_BACK).await);
    assert!(server.is_active(&tokens.member("access_token")).await);
}

#[tokio::test]
async fn a_09_a_form_does_not_work_in_another_session() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let (ada, eve) = (server.person(), server.person());
    let page = ada.enter_code(&user_code, "ada").await;
    is_not_valid(&eve.submit(&page, APPROVE).await);
    eve.submit(&eve.open("/default/login").await, &[("username", "eve")])
        .await;
    is_not_valid(&eve.submit(&page, APPROVE).await);
    is_not_valid(&eve.open(&decision_of(&page).action).await);
    assert_eq!(polled(&server, &device_code).await, "authorization_pending");
}

#[tokio::test]
async fn s_21_a_09_an_approval_after_expiry_is_too_late() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let person = server.person();
    let page = person.enter_code(&user_code, "ada").await;
    server.advance(600);
    is_not_valid(&person.submit(&page, APPROVE).await);
    assert_eq!(polled(&server, &device_code).await, "expired_token");
}

#[tokio::test]
async fn s_20_s_251_denying_and_reporting_end_the_code_and_are_written_down() {
    let server = TestServer::dev().await;
    for (action, said, event) in [
        ("deny", "Request denied", "device.denied"),
        ("report", "Denied and reported", "device.reported"),
    ] {
        let (device_code, user_code) = start(&server).await;
        let person = server.person();
        let page = person.enter_code(&user_code, "ada").await;
        let done = person.submit(&page, &[("action", action)]).await;
        assert_eq!(done.status, 200);
        assert!(done.body.contains(said), "{}", done.body);
        assert_eq!(polled(&server, &device_code).await, "access_denied");
        let records = server.audited_as(event).await;
        assert_eq!(records.len(), 1, "{event}");
        assert_eq!(
            (&records[0]["client"], &records[0]["subject"]),
            (&"cli".into(), &"ada".into())
        );
    }
}

#[tokio::test]
async fn s_23_a_device_code_that_comes_twice_is_written_down_with_what_it_ended() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let page = server.person().enter_code(&user_code, "ada").await;
    assert_eq!(page.status, 200);
    let person = server.person();
    let page = person.enter_code(&user_code, "ada").await;
    person.submit(&page, APPROVE).await;
    let tokens = server.poll("cli", &device_code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(polled(&server, &device_code).await, "invalid_grant");
    for (event, outcome) in [
        ("device.started", "success"),
        ("device.code_entered", "success"),
        ("device.approved", "success"),
        ("device.redeemed", "success"),
        ("device.replay", "alert"),
    ] {
        let records = server.audited_as(event).await;
        assert!(!records.is_empty(), "{event}");
        assert_eq!(records[0]["outcome"], outcome, "{event}");
    }
    let sid = |event: &'static str| async { server.audited_as(event).await[0]["sid"].clone() };
    assert_eq!(sid("device.replay").await, sid("device.redeemed").await);
}

#[tokio::test]
async fn s_13_somebody_else_can_sign_in_and_decide() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let person = server.person();
    let page = person.enter_code(&user_code, "ada").await;
    let login = person.submit(&page, &[("action", "switch")]).await;
    assert_eq!(polled(&server, &device_code).await, "authorization_pending");
    let page = person.submit(&login, &[("username", "grace")]).await;
    assert!(page.body.contains("<bdi>grace</bdi>"), "{}", page.body);
    person.submit(&page, APPROVE).await;
    let tokens = server.poll("cli", &device_code).await;
    assert_eq!(
        server
            .userinfo(&tokens.member("access_token"))
            .await
            .member("sub"),
        "grace"
    );
}

#[tokio::test]
async fn s_276_a_device_names_itself_in_quotes() {
    let server = TestServer::dev().await;
    let form = [
        ("client_id", "cli"),
        ("host_label", "Verified by IT\u{202e}\n<b>"),
    ];
    let started = server.post("/default/device/authorize", &form).await;
    let page = server
        .person()
        .enter_code(&started.member("user_code"), "ada")
        .await;
    let shown = "“<bdi>Verified by ITb</bdi>” <small>reported by the device</small>";
    assert!(page.body.contains(shown), "{}", page.body);
    assert!(!page.body.contains('\u{202e}'));
}

#[tokio::test]
async fn a_14_a_33_what_a_client_says_is_shown_harmlessly() {
    let server = TestServer::dev().await;
    let markup = "<script>alert(1)</script>";
    let form = [("client_id", markup), ("host_label", markup)];
    let request = server
        .http()
        .post(server.url("/default/device/authorize"))
        .form(&form);
    let started = server.send(request.header("user-agent", markup)).await;
    let person = server.person();
    let page = person
        .enter_code(&started.member("user_code"), markup)
        .await;
    let done = person.submit(&page, APPROVE).await;
    for page in [page, done] {
        assert_eq!(page.status, 200);
        assert!(page.body.contains("&#60;script&#62;"), "{}", page.body);
        assert!(!page.body.contains("<script>"), "{}", page.body);
    }
}

#[tokio::test]
async fn a_78_the_session_cookie_changes_at_every_sign_in() {
    let server = TestServer::dev().await;
    let (_, user_code) = start(&server).await;
    let person = server.person();
    let login = person.try_code(&user_code).await;
    assert_eq!(session_of(&person), None);
    let page = person.submit(&login, &[("username", "ada")]).await;
    let first = session_of(&person).unwrap();
    let login = person.submit(&page, &[("action", "switch")]).await;
    person.submit(&login, &[("username", "ada")]).await;
    let second = session_of(&person).unwrap();
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_78_a_planted_session_cookie_signs_nobody_in() {
    let server = TestServer::dev().await;
    let (_, user_code) = start(&server).await;
    let person = server.person();
    person
        .submit(&person.open("/default/login").await, &[("username", "ada")])
        .await;
    let name = person
        .cookies()
        .into_keys()
        .find(|name| name.starts_with("hallpass_session"))
        .unwrap();
    let victim = server.person();
    let page = victim.try_code(&user_code).await;
    let planted = format!("{name}=hpb_{}", "A".repeat(43));
    let answer = victim
        .http()
        .get(server.url(&decision_of(&page).action))
        .header("cookie", planted);
    let answer = answer.send().await.unwrap().text().await.unwrap();
    assert!(!answer.contains("value=\"approve\""), "{answer}");
}
