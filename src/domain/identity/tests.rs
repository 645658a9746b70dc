#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::facts::Known;
use crate::domain::samples::prod;

fn created(tenant: u64, at: &str) -> Created {
    Created { tenant, at: at.parse().unwrap() }
}

/// Many clusters have the id 1 and tenants from 1002 on: a microsecond of their creation tells them apart.
#[test]
fn two_clusters_of_one_id_are_told_apart_by_their_creation() {
    let (then, other) = (created(1, "2026-10-01T03:31:40.000001Z"), created(1, "2026-10-01T03:31:40.000002Z"));
    let mut facts = prod();
    facts.cluster.created = Known::Known(then);
    let confirmed = ClusterIdentity::of(&facts);
    assert!(!confirmed.is_another(&facts.cluster));
    facts.cluster.created = Known::Known(other);
    assert!(confirmed.is_another(&facts.cluster));
    facts.cluster.created = Known::NotChecked("it was not read".into());
    assert!(!confirmed.is_another(&facts.cluster), "what is not known tells nothing");
    assert_eq!(facts.cluster.has_only_its_id(), ", the cluster known by its id alone: it was not read");
    assert_eq!(prod().cluster.has_only_its_id(), "");
    facts.cluster.id = Some(78);
    assert!(confirmed.is_another(&facts.cluster), "the id alone still does");
    assert_eq!(
        another_creation(Some(then), Some(other)).unwrap(),
        "It was created at 2026-10-01T03:31:40.000002Z, and one created at 2026-10-01T03:31:40.000001Z was confirmed."
    );
    assert_eq!(another_creation(Some(then), Some(created(1002, "2026-11-01T00:00:00Z"))), None, "of another tenant");
    assert_eq!(another_creation(None, Some(other)), None);
}

/// What older journals hold is an identity too.
#[test]
fn an_identity_without_a_creation_is_read_and_written_as_it_was() {
    let old = r#"{"name":"prod","id":77,"version":"V4.2.5.1"}"#;
    let identity: ClusterIdentity = serde_json::from_str(old).unwrap();
    assert_eq!(identity.created, None);
    assert_eq!(serde_json::to_string(&identity).unwrap(), old);
}
