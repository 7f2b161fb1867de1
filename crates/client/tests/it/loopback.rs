//! The listener among strays, forgers and silent connections.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use hallpass_client::{ErrorKind, Prompt, SecurityViolation, SignIn};

use crate::fake::Fake;
use crate::person::{Person, Visit};

async fn sign_in(
    fake: &Fake,
    script: impl Fn(&Visit) + Send + Sync + 'static,
) -> (Person, Result<(), hallpass_client::Error>) {
    let person = Person::who(fake, script);
    let client = fake.client(&person).build().unwrap();
    let done = client
        .sign_in(SignIn::browser().timeout(Duration::from_secs(30)))
        .await;
    // What the script asserts counts too.
    person.pages();
    (person, done.map(|_| ()))
}

#[tokio::test]
async fn c_12_and_c_13_the_literal_is_loopback_and_the_port_closes_after_one_answer() {
    let fake = Fake::start().await;
    let (person, done) = sign_in(&fake, |visit| {
        visit.come_back("code=c");
    })
    .await;
    done.unwrap();
    let redirect_uri = person
        .prompts()
        .into_iter()
        .find_map(|prompt| match prompt {
            Prompt::OpenUrl { redirect_uri, .. } => Some(redirect_uri),
            _ => None,
        })
        .unwrap();
    assert!(redirect_uri.starts_with("http://127.0.0.1:") && redirect_uri.ends_with("/callback"));
    let port = redirect_uri
        .split([':', '/'])
        .nth(4)
        .unwrap()
        .parse()
        .unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_err());
}

#[tokio::test]
async fn c_14_and_a_29_strays_get_404_and_waiting_goes_on() {
    let fake = Fake::start().await;
    let (person, done) = sign_in(&fake, |visit| {
        let (host, good) = (
            visit.authority(),
            format!("/callback?code=c&state={}", visit.state),
        );
        for (method, target, host) in [
            ("GET", "/favicon.ico", host.as_str()),
            ("GET", "/", &host),
            ("GET", "/callback/done", &host),
            ("HEAD", &good, &host),
            ("POST", &good, &host),
            ("OPTIONS", &good, &host),
            ("GET", &good, "evil.test"),
            ("GET", &good, "localhost"),
            ("GET", &format!("/x{good}"), &host),
        ] {
            for _ in 0..3 {
                assert_eq!(
                    visit.ask(method, target, host).status,
                    404,
                    "{method} {target} {host}"
                );
            }
        }
        visit.come_back("code=c");
    })
    .await;
    done.unwrap();
    assert_eq!(person.pages().last().unwrap().status, 200);
    assert_eq!(fake.seen("/token").len(), 1);
}

#[tokio::test]
async fn c_15_and_a_28_a_forged_answer_gets_400_and_the_real_one_is_taken() {
    let fake = Fake::start().await;
    let (_, done) = sign_in(&fake, |visit| {
        assert_eq!(
            visit.come_back_with("code=attacker&state=forged").status,
            400
        );
        assert_eq!(visit.come_back_with("code=attacker").status, 400);
        visit.come_back("code=real");
    })
    .await;
    done.unwrap();
    let redeemed = fake.seen("/token");
    assert_eq!(redeemed.len(), 1);
    assert_eq!(redeemed[0].field("code").as_deref(), Some("real"));
}

#[tokio::test]
async fn c_15_three_forged_answers_end_the_sign_in() {
    let fake = Fake::start().await;
    let (_, done) = sign_in(&fake, |visit| {
        for _ in 0..3 {
            visit.come_back_with("code=attacker&state=forged");
        }
    })
    .await;
    let error = done.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Security(SecurityViolation::State));
    assert!(fake.seen("/token").is_empty());
}

#[tokio::test]
async fn c_18_an_answer_that_contradicts_itself_gets_400_and_ends_the_sign_in() {
    let fake = Fake::start().await;
    for bad in ["code=a&code=b", "code=a&error=b", "x=y"] {
        let (person, done) = sign_in(&fake, move |visit| {
            visit.come_back(bad);
        })
        .await;
        let violation = SecurityViolation::AuthorizationResponse;
        assert_eq!(
            done.unwrap_err().kind(),
            &ErrorKind::Security(violation),
            "{bad}"
        );
        assert_eq!(person.pages()[0].status, 400);
    }
    assert!(fake.seen("/token").is_empty());
}

#[tokio::test]
async fn c_19_the_code_leaves_the_address_bar_and_the_page_is_harmless() {
    let fake = Fake::start().await;
    let (person, done) = sign_in(&fake, |visit| {
        visit.come_back("code=code-canary");
    })
    .await;
    done.unwrap();
    let pages = person.pages();
    assert_eq!(
        (pages[0].status, pages[0].header("location").as_deref()),
        (303, Some("/callback/done"))
    );
    for page in &pages {
        assert_eq!(page.header("cache-control").as_deref(), Some("no-store"));
        assert_eq!(
            page.header("referrer-policy").as_deref(),
            Some("no-referrer")
        );
        assert!(
            page.header("content-security-policy")
                .unwrap()
                .contains("default-src 'none'")
        );
        assert!(
            !page.body.contains("canary") && !page.body.contains("http"),
            "{}",
            page.body
        );
    }
}

#[tokio::test]
async fn a_30_silent_and_garbage_connections_block_nobody() {
    let fake = Fake::start().await;
    let start = tokio::time::Instant::now();
    let (_, done) = sign_in(&fake, |visit| {
        let silent: Vec<_> = (0..50)
            .map(|_| TcpStream::connect(visit.authority()).unwrap())
            .collect();
        visit.send(b"\x16\x03\x01garbage\r\n\r\n");
        let long = format!("/callback?code={}", "x".repeat(1024 * 1024));
        assert!(matches!(
            visit.ask("GET", &long, &visit.authority()).status,
            0 | 400 | 414 | 431
        ));
        visit.come_back("code=c");
        drop(silent);
    })
    .await;
    done.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_busy_port_is_named_and_the_next_one_is_taken() {
    let fake = Fake::start().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).build().unwrap();
    let error = client
        .sign_in(SignIn::browser().callback_port(port))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config);
    assert!(error.to_string().contains(&port.to_string()) && error.hint().is_some());
    client
        .sign_in(SignIn::browser().callback_port(port).callback_port(0))
        .await
        .unwrap();
}

#[tokio::test]
async fn the_registered_path_is_used_as_it_is() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).build().unwrap();
    client
        .sign_in(SignIn::browser().callback_path("/oauth/cb"))
        .await
        .unwrap();
    for bad in ["callback", "/a?b", "/a#b", "/../a", "/a b", "/a\r\nb"] {
        let how = SignIn::browser().force().callback_path(bad);
        let error = client.sign_in(how).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Config, "{bad:?}");
    }
}
