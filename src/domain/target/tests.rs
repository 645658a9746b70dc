#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use proptest::prelude::*;

use super::*;

#[test]
fn reads_clusters_and_tenants() {
    for (text, cluster, tenant) in [
        ("prod-hz", "prod-hz", None),
        ("prod/pay", "prod", Some("pay")),
        ("prod/支付.中心", "prod", Some("支付.中心")),
        ("a.b/c d", "a.b", Some("c d")),
    ] {
        let name: TargetName = text.parse().unwrap();
        assert_eq!((name.cluster(), name.tenant()), (cluster, tenant));
        assert_eq!(name.kind(), if tenant.is_some() { TargetKind::Tenant } else { TargetKind::Cluster });
        assert_eq!(name.to_string(), text);
    }
}

#[test]
fn says_what_is_wrong_with_a_name() {
    for (text, wanted) in [
        ("", TargetNameError::Empty),
        ("/pay", TargetNameError::NoCluster("/pay".into())),
        ("prod/", TargetNameError::NoTenant("prod/".into())),
        ("prod/pay/x", TargetNameError::TooManyParts("prod/pay/x".into())),
        ("prod/pay/", TargetNameError::TooManyParts("prod/pay/".into())),
        (" prod", TargetNameError::Blank(" prod".into())),
        ("prod/pa\u{1b}y", TargetNameError::Blank("prod/pa?y".into())),
    ] {
        assert_eq!(text.parse::<TargetName>().unwrap_err(), wanted, "{text:?}");
    }
}

#[test]
fn the_makers_hold_the_same_law_as_the_parser() {
    assert!(TargetName::tenant_named("a", "b/c").is_err());
    assert!(TargetName::cluster_named("a/b").is_err());
    assert!(serde_json::from_str::<TargetName>("\"a/b/c\"").is_err());
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(cluster in "[^/\\s\\p{C}]{1,12}", tenant in proptest::option::of("[^/\\s\\p{C}]{1,12}")) {
        let name = match &tenant {
            None => TargetName::cluster_named(&cluster).unwrap(),
            Some(tenant) => TargetName::tenant_named(&cluster, tenant).unwrap(),
        };
        prop_assert_eq!(name.to_string().parse::<TargetName>().unwrap(), name.clone());
        let json = serde_json::to_string(&name).unwrap();
        prop_assert_eq!(serde_json::from_str::<TargetName>(&json).unwrap(), name);
    }
}
