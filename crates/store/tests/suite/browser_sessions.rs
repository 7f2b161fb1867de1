//! Sessions of browsers.

use hallpass_issuer::browser_session::BrowserSession;
use hallpass_store::{Store, browser_sessions};

use crate::records::{self, ISSUER, browser_session, hash, minutes, now, session_id};

pub(crate) async fn a_browser_session_ends_once(store: &Store) {
    let mut kept = browser_session("cookie");
    let first = kept.clone();
    store
        .write(move |tx| browser_sessions::insert(tx, &first))
        .await
        .unwrap();
    let find = |issuer: &'static str| {
        store.read(move |tx| browser_sessions::find(tx, issuer, &hash("cookie")))
    };
    let end = |at| store.write(move |tx| browser_sessions::end(tx, &session_id("cookie"), at));
    assert_eq!(find("/other").await, Ok(None));
    kept.auth_time = now() + minutes(5);
    kept.expires_at = now() + minutes(900);
    kept.address = None;
    let stale = kept.clone();
    store
        .write(move |tx| browser_sessions::save(tx, &stale))
        .await
        .unwrap();
    assert_eq!(find(ISSUER).await, Ok(Some(kept.clone())));
    assert_eq!(end(now() + minutes(6)).await, Ok(true));
    assert_eq!(end(now() + minutes(7)).await, Ok(false));
    let stale = kept.clone();
    store
        .write(move |tx| browser_sessions::save(tx, &stale))
        .await
        .unwrap();
    kept.ended_at = Some(now() + minutes(6));
    assert_eq!(find(ISSUER).await, Ok(Some(kept)));
    let purge =
        |now| store.write(move |tx| browser_sessions::purge_expired(tx, now, minutes(10), 10));
    assert_eq!(purge(now() + minutes(909)).await, Ok(0));
    assert_eq!(purge(now() + minutes(910)).await, Ok(1));
}

pub(crate) async fn a_78_a_browser_session_goes_on_under_another_cookie(store: &Store) {
    let before = browser_session("before");
    let mut after = before.renew(hash("after"));
    after.auth_time = now() + minutes(5);
    after.expires_at = now() + minutes(900);
    after.address = None;
    let kept = before.clone();
    let insert = store.write(move |tx| browser_sessions::insert(tx, &kept));
    insert.await.unwrap();
    let find = |cookie| store.read(move |tx| browser_sessions::find(tx, ISSUER, &hash(cookie)));
    let replace = |before, next: &BrowserSession| {
        let next = next.clone();
        store.write(move |tx| browser_sessions::replace(tx, &hash(before), &next))
    };
    // Another session's id beside this cookie changes nothing.
    let foreign = browser_session("foreign");
    assert_eq!(replace("before", &foreign).await, Ok(false));
    assert_eq!(replace("before", &after).await, Ok(true));
    assert_eq!(
        find("before").await,
        Ok(None),
        "the old cookie opens nothing"
    );
    assert_eq!(find("after").await, Ok(Some(after.clone())));
    // Of two at once the second comes with a cookie that is gone.
    assert_eq!(
        replace("before", &after.renew(hash("late"))).await,
        Ok(false)
    );
    assert_eq!(find("late").await, Ok(None));
    // It ends whatever its cookie is, and nothing brings it back.
    let end = store.write(|tx| browser_sessions::end(tx, &session_id("before"), now()));
    assert_eq!(end.await, Ok(true));
    assert_eq!(
        replace("after", &after.renew(hash("again"))).await,
        Ok(false)
    );
    assert_eq!(find("again").await, Ok(None));
    assert_eq!(find("after").await.unwrap().unwrap().ended_at, Some(now()));
}

pub(crate) async fn all_sessions_of_a_person_end_but_the_one_that_goes_on(store: &Store) {
    let names = ["one", "two", "three"];
    let insert = store.write(move |tx| {
        names
            .iter()
            .try_for_each(|name| browser_sessions::insert(tx, &browser_session(name)))
    });
    insert.await.unwrap();
    let end = store.write(|tx| {
        let of_ada = (ISSUER, &records::user().id);
        browser_sessions::end_by_user(tx, of_ada, Some(&session_id("two")), now())
    });
    assert_eq!(end.await, Ok(2));
    let user = records::user().id;
    let live = store.read(move |tx| browser_sessions::list_live(tx, (ISSUER, &user), now()));
    assert_eq!(live.await, Ok(vec![browser_session("two")]));
}
