//! The page at the verification URI: rows S-08, S-10 to S-12, S-14 and their attacks.

use hallpass_testing::server::settings;
use hallpass_testing::{Answer, Person, TestServer};

const PAGE: &str = "/default/device";
const NOT_VALID: &str = "That code isn&#39;t valid any more.";

/// A wrong code: none was ever given out, so the chance to hit one is nil.
const WRONG: &str = "BBBB-BBBB";

async fn start(server: &TestServer) -> (String, String) {
    let started = server.start_device("cli", "openid").await;
    (started.member("device_code"), started.member("user_code"))
}

#[track_caller]
fn is_not_valid(page: &Answer) {
    assert_eq!(page.status, 422, "{}", page.body);
    assert!(page.body.contains(NOT_VALID), "{}", page.body);
}

#[track_caller]
fn is_locked(page: &Answer, seconds: &str) {
    assert_eq!(
        (page.status, page.header("retry-after")),
        (429, seconds),
        "{}",
        page.body
    );
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.body.contains("Too many wrong codes"), "{}", page.body);
}

/// Whether the page asks to sign in, which is what comes after a right code.
fn asks_who(page: &Answer) -> bool {
    page.status == 200 && page.body.contains("name=\"username\"")
}

async fn guess(person: &Person, times: usize) {
    for _ in 0..times {
        is_not_valid(&person.try_code(WRONG).await);
    }
}

#[tokio::test]
async fn s_08_entry_is_forgiving() {
    let server = TestServer::dev().await;
    let (_, code) = start(&server).await;
    let (first, second) = code.split_once('-').unwrap();
    let spellings = [
        code.to_lowercase().replace('-', " "),
        code.replace('-', ""),
        format!(" {} ", code.to_lowercase()),
        format!("{first}\u{2013}{second}"),
        server.url(&format!("{PAGE}?user_code={code}")),
    ];
    for typed in spellings {
        let page = server.person().try_code(&typed).await;
        assert!(asks_who(&page), "{typed:?}: {}", page.body);
    }
}

#[tokio::test]
async fn s_08_an_empty_entry_is_no_guess() {
    let server = TestServer::dev().await;
    let person = server.person();
    for typed in ["", "  "].into_iter().cycle().take(10) {
        let page = person.try_code(typed).await;
        assert_eq!(page.status, 422);
        assert!(
            page.body
                .contains("Enter the code that your terminal shows."),
            "{}",
            page.body
        );
    }
}

#[tokio::test]
async fn s_10_a_01_the_sixth_code_of_a_browser_is_not_looked_at() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let person = server.person();
    let form = person.open(PAGE).await;
    guess(&person, 5).await;
    is_locked(
        &person.submit(&form, &[("user_code", &user_code)]).await,
        "600",
    );
    is_locked(
        &person.open(&format!("{PAGE}?user_code={user_code}")).await,
        "600",
    );
    server.advance(599);
    is_locked(&person.open(PAGE).await, "1");
    assert_eq!(
        server.poll("cli", &device_code).await.refusal().1,
        "authorization_pending"
    );
    // Another browser is not concerned, and the lock ends.
    assert!(asks_who(
        &server.person().try_code(&start(&server).await.1).await
    ));
    server.advance(1);
    assert!(asks_who(&person.try_code(&start(&server).await.1).await));
}

#[tokio::test]
async fn s_10_a_right_code_after_three_wrong_ones_works() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let person = server.person();
    guess(&person, 3).await;
    person.approve(&user_code, "ada").await;
    assert_eq!(server.poll("cli", &device_code).await.status, 200);
}

#[tokio::test]
async fn s_10_an_account_has_ten_wrong_codes_an_hour() {
    let server = TestServer::dev().await;
    let signed_in = async || {
        let person = server.person();
        let login = person.open("/default/login").await;
        person.submit(&login, &[("username", "ada")]).await;
        person
    };
    for times in [4, 4, 2] {
        guess(&signed_in().await, times).await;
    }
    is_locked(&signed_in().await.open(PAGE).await, "3600");
    // Somebody else at the same address may.
    assert_eq!(server.person().open(PAGE).await.status, 200);
    server.advance(3600);
    assert_eq!(signed_in().await.open(PAGE).await.status, 200);
}

#[tokio::test]
async fn s_10_an_address_has_thirty_wrong_codes_an_hour() {
    let server = TestServer::dev().await;
    for _ in 0..10 {
        guess(&server.person_at(2), 3).await;
    }
    is_locked(&server.person_at(2).open(PAGE).await, "3600");
    assert_eq!(server.person_at(3).open(PAGE).await.status, 200);
}

#[tokio::test]
async fn s_11_a_02_when_everybody_guesses_the_page_asks_for_sign_in_first() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let bystander = server.person();
    let form = bystander.open(PAGE).await;
    for address in 2..17 {
        guess(&server.person_at(address), 4).await;
    }
    // A form that was open before is not looked at either.
    for page in [
        bystander.open(PAGE).await,
        bystander.submit(&form, &[("user_code", &user_code)]).await,
    ] {
        assert_eq!(page.status, 200);
        assert!(
            page.body.contains("href=\"/default/login\""),
            "{}",
            page.body
        );
        assert!(!page.body.contains("name=\"user_code\""), "{}", page.body);
    }
    let login = bystander.open("/default/login").await;
    let entry = bystander.submit(&login, &[("username", "ada")]).await;
    let confirm = bystander.submit(&entry, &[("user_code", &user_code)]).await;
    bystander
        .submit(&confirm, hallpass_testing::person::APPROVE)
        .await;
    assert_eq!(server.poll("cli", &device_code).await.status, 200);
    server.advance(60);
    assert!(
        server
            .person()
            .open(PAGE)
            .await
            .body
            .contains("name=\"user_code\"")
    );
}

#[tokio::test]
async fn s_12_unknown_expired_used_and_denied_codes_look_alike() {
    let server = TestServer::dev().await;
    let (_, expired) = start(&server).await;
    server.advance(600);
    let (device_code, used) = start(&server).await;
    server.person().approve(&used, "ada").await;
    let (_, approved) = start(&server).await;
    server.person().approve(&approved, "ada").await;
    assert_eq!(server.poll("cli", &device_code).await.status, 200);
    let (_, denied) = start(&server).await;
    server.person().deny(&denied, "ada").await;
    let person = server.person();
    let unknown = person.try_code(WRONG).await;
    is_not_valid(&unknown);
    for code in [expired, used, approved, denied] {
        let page = person.try_code(&code).await;
        assert_eq!(
            (page.status, &page.body),
            (unknown.status, &unknown.body),
            "{code}"
        );
        assert_eq!(page.headers.len(), unknown.headers.len());
    }
    // Each of them counts as a guess.
    is_locked(&person.open(PAGE).await, "600");
}

#[tokio::test]
async fn s_12_a_code_that_ends_while_it_is_shown_gives_the_same_page() {
    let server = TestServer::dev().await;
    let (_, user_code) = start(&server).await;
    let person = server.person();
    let confirm = person.enter_code(&user_code, "ada").await;
    let unknown = person.try_code(WRONG).await;
    server.advance(600);
    let late = person
        .submit(&confirm, hallpass_testing::person::APPROVE)
        .await;
    assert_eq!((late.status, late.body), (unknown.status, unknown.body));
}

#[tokio::test]
async fn s_14_a_06_opening_the_complete_link_changes_nothing() {
    let server = TestServer::dev().await;
    let started = server.start_device("cli", "openid").await;
    let (device_code, user_code) = (started.member("device_code"), started.member("user_code"));
    let person = server.person();
    let login = person.open("/default/login").await;
    person.submit(&login, &[("username", "ada")]).await;
    for n in 0..10 {
        let url = started.member("verification_uri_complete");
        let request = if n % 2 == 0 {
            person.http().get(&url)
        } else {
            person.http().head(&url)
        };
        let request = request
            .header("sec-purpose", "prefetch;prerender")
            .header("purpose", "prefetch");
        let page = person.send(request).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("location"), "");
    }
    let page = person
        .open(&started.member("verification_uri_complete"))
        .await;
    assert!(
        page.body.contains(&format!("value=\"{user_code}\"")),
        "{}",
        page.body
    );
    assert_eq!(
        server.poll("cli", &device_code).await.refusal().1,
        "authorization_pending"
    );
    // The link brings the code to the confirmation page, which asks to compare it.
    let confirm = person.submit(&page, &[("user_code", &user_code)]).await;
    assert!(
        confirm.body.contains("Does this match your terminal?"),
        "{}",
        confirm.body
    );
    server.advance(5);
    assert_eq!(
        server.poll("cli", &device_code).await.refusal().1,
        "authorization_pending"
    );
}

#[tokio::test]
async fn s_14_a_code_typed_by_hand_needs_no_comparison() {
    let server = TestServer::dev().await;
    let (_, user_code) = start(&server).await;
    let confirm = server.person().enter_code(&user_code, "ada").await;
    assert!(confirm.body.contains(&user_code), "{}", confirm.body);
    assert!(
        !confirm.body.contains("Does this match your terminal?"),
        "{}",
        confirm.body
    );
}

#[tokio::test]
async fn s_15_a_guess_needs_a_token_of_this_browser() {
    let server = TestServer::dev().await;
    let (_, user_code) = start(&server).await;
    let person = server.person();
    let form = person.open(PAGE).await;
    let stolen = server
        .person()
        .submit(&form, &[("user_code", &user_code)])
        .await;
    assert_eq!(stolen.status, 403);
    let bare = person
        .http()
        .post(server.url(PAGE))
        .form(&[("user_code", &user_code)]);
    assert_eq!(person.send(bare).await.status, 403);
}

#[tokio::test]
async fn a_33_markup_in_a_code_is_not_reflected() {
    let server = TestServer::dev().await;
    let markup = "\"><script>alert(1)</script>";
    let query: String = url::form_urlencoded::byte_serialize(markup.as_bytes()).collect();
    let person = server.person();
    let opened = person
        .open(&format!(
            "{PAGE}?user_code={query}&error={query}&state={query}"
        ))
        .await;
    let posted = person.try_code(markup).await;
    for page in [opened, posted] {
        assert!(!page.body.contains("<script>alert"), "{}", page.body);
        assert!(
            page.header("content-security-policy")
                .contains("script-src 'self'")
        );
    }
    let twice = person
        .open(&format!("{PAGE}?user_code=a&user_code=b"))
        .await;
    assert_eq!(twice.status, 400);
}

#[tokio::test]
async fn a_06_without_prefill_no_link_brings_a_code() {
    let settings = settings(
        "[device]\nprefill = false\nmax_pending_per_client = 0\n",
        false,
    );
    let server = TestServer::start(settings).await;
    let started = server.start_device("cli", "openid").await;
    assert!(started.json().get("verification_uri_complete").is_none());
    let user_code = started.member("user_code");
    assert_eq!(
        user_code.len(),
        "XXXXX-XXXXX".len(),
        "from the first one on"
    );
    let person = server.person();
    let login = person.open("/default/login").await;
    person.submit(&login, &[("username", "ada")]).await;
    // A link that somebody made by hand is one without a code.
    let page = person
        .open(&format!("/default/device?user_code={user_code}"))
        .await;
    assert!(!page.body.contains(&user_code), "{}", page.body);
    let confirm = person.submit(&page, &[("user_code", &user_code)]).await;
    assert!(confirm.body.contains("I started this"), "{}", confirm.body);
    assert!(
        !confirm.body.contains("Does this match"),
        "{}",
        confirm.body
    );
}
