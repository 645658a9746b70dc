#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use proptest::prelude::*;

use super::*;

fn template(text: &str) -> Template {
    Template::new(Destination::parse_user(text).unwrap()).unwrap()
}

fn values(tenant: &str, id: u64) -> Values<'_> {
    Values {
        cluster: "prod-hz",
        cluster_id: Some(7),
        tenant: Some(tenant),
        tenant_id: Some(id),
        kind: None,
        run: Some("t42.1"),
    }
}

#[test]
fn two_directories_come_from_what_was_given() {
    for (storage, archive, data, clog) in [
        ("file:///b", None, "file:///b/7/1002/data", "file:///b/7/1002/clog"),
        ("s3://k?host=h&access_id=A", None, "s3://k/7/1002/data", "s3://k/7/1002/clog"),
        ("file:///b/{tenant}", None, "file:///b/支付/data", "file:///b/支付/clog"),
        ("file:///b/{kind}/{tenant_id}", None, "file:///b/data/1002", "file:///b/clog/1002"),
        ("file:///b/d", Some("file:///b/l"), "file:///b/d", "file:///b/l"),
        ("file:///b/{cluster}", Some("file:///l"), "file:///b/prod-hz/data", "file:///l"),
        ("file:///b/d", Some("file:///l/{tenant_id}"), "file:///b/d", "file:///l/1002/clog"),
        ("file:///b/{tenant_id}/{run}", None, "file:///b/1002/t42.1/data", "file:///b/1002/t42.1/clog"),
    ] {
        let pair = TemplatePair::v4(&template(storage), archive.map(template).as_ref(), 1).unwrap();
        let (found_data, found_clog) = pair.expand(&values("支付", 1002)).unwrap();
        assert_eq!(
            (found_data.uri_without_attributes().as_str(), found_clog.uri_without_attributes().as_str()),
            (data, clog),
            "{storage}"
        );
        assert_eq!(found_data.attribute("host"), template(storage).destination().attribute("host"));
    }
}

#[test]
fn several_tenants_need_a_path_each() {
    for (storage, archive, fine) in [
        ("file:///b", None, true),
        ("file:///b/{tenant}", None, true),
        ("file:///b/{cluster_id}", None, false),
        ("file:///b/d", Some("file:///b/l"), false),
        ("file:///b/{tenant_id}", Some("file:///l"), false),
        ("file:///b/{tenant_id}", Some("file:///l/{tenant}"), true),
    ] {
        assert_eq!(
            TemplatePair::v4(&template(storage), archive.map(template).as_ref(), 2).is_ok(),
            fine,
            "{storage} {archive:?}"
        );
    }
}

#[test]
fn older_lines_have_rules_of_their_own() {
    assert!(v2_v3_cluster(template("file:///b/{cluster}")).is_ok());
    assert_eq!(v2_v3_cluster(template("file:///b/{tenant_id}")), Err(TemplateError::NoTenantHere("tenant_id")));
    assert_eq!(v2_v3_cluster(template("file:///b/{kind}")), Err(TemplateError::NoKindHere));
    let ends = |text| v3_tenant(template(text)).unwrap().expand(&values("pay", 1)).unwrap().uri_without_attributes();
    assert_eq!(ends("file:///b/{tenant}"), "file:///b/pay/t42.1");
    assert_eq!(ends("file:///b/{run}"), "file:///b/t42.1");
    assert_eq!(v3_tenant(template("file:///b/{run}/x")), Err(TemplateError::RunNotLast));
}

#[test]
fn a_wrong_variable_is_named() {
    let wrong = |text: &str| Template::new(Destination::parse_user(text).unwrap()).unwrap_err();
    assert_eq!(wrong("file:///b/{tenent}"), TemplateError::UnknownVariable("tenent".into()));
    assert!(wrong("file:///b/{tenent}").to_string().starts_with("{tenent} is not a variable."));
    for text in ["file:///b/{tenant", "file:///b/tenant}", "file:///b/{{tenant}}"] {
        assert_eq!(wrong(text), TemplateError::LoneBrace, "{text}");
    }
    assert_eq!(wrong("file:///b/{}"), TemplateError::UnknownVariable(String::new()));
}

#[test]
fn a_name_cannot_lead_out_of_its_directory() {
    for name in ["..", ".", "", "a/b", "a?b", "a&b"] {
        let expanded = template("file:///b/{tenant}/data").expand(&values(name, 1));
        assert_eq!(expanded, Err(TemplateError::NotADirectory("tenant")), "{name:?}");
    }
    assert!(template("file:///b/{tenant}").expand(&values("a b", 1)).is_err());
    let nobody = Values { cluster: "c", cluster_id: Some(1), ..Values::default() };
    assert_eq!(template("file:///b/{tenant}").expand(&nobody), Err(TemplateError::NoValue("tenant")));
    let more_dots = template("file:///b/x/.{tenant}").expand(&values(".a", 1)).unwrap();
    assert_eq!(more_dots.uri_without_attributes(), "file:///b/x/..a");
}

#[test]
fn shared_and_nested_directories_are_found() {
    let owned = |tenant: &str, kind, uri: &str| ((tenant.to_owned(), kind), Destination::parse_user(uri).unwrap());
    let found = clashes(&[
        owned("pay", DirKind::Data, "file:///b/x"),
        owned("pay", DirKind::Clog, "file:///b/x/"),
        owned("order", DirKind::Data, "file:///b/x/y"),
        owned("order", DirKind::Clog, "file:///b/xy"),
    ]);
    let told: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "pay (data) and pay (clog) would share the directory file:///b/x.",
            "The directory file:///b/x/y of order (data) lies inside the one of pay (data).",
            "The directory file:///b/x/y of order (data) lies inside the one of pay (clog).",
        ]
    );
}

proptest! {
    #[test]
    fn tenants_with_a_path_each_never_clash(
        ids in proptest::collection::btree_set(1_u64..5_000, 1..6),
        shape in 0_usize..4,
    ) {
        let text = ["file:///b", "file:///b/{tenant_id}", "file:///{kind}/{tenant_id}", "file:///b/{tenant}/x"][shape];
        let pair = TemplatePair::v4(&template(text), None, ids.len()).unwrap();
        let mut directories = Vec::new();
        for id in ids {
            let name = format!("t{id}");
            let (data, clog) = pair.expand(&values(&name, id)).unwrap();
            directories.push(((name.clone(), DirKind::Data), data));
            directories.push(((name, DirKind::Clog), clog));
        }
        prop_assert_eq!(clashes(&directories), vec![]);
    }

    #[test]
    fn a_path_without_variables_expands_to_itself(path in "[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,3}") {
        let text = format!("file:///{path}");
        prop_assert_eq!(template(&text).expand(&values("pay", 1)).unwrap().uri_without_attributes(), text);
    }
}
