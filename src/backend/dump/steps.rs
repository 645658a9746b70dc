//! A logical backup as a system: a look at each step, and the start of the dump.

use super::releases;
use crate::backend::oceanbase::OceanBase;
use crate::backend::oceanbase::session::Failure;
use crate::backend::system::{Act, Doing};
use crate::backend::{Run, Seen};
use crate::domain::facts::{Facts, ServiceFacts};
use crate::domain::fault::Fault;
use crate::domain::plan::{Action, Plan, TargetPlan};
use crate::domain::step::StepKind;
use crate::domain::task::PreviewStep;

/// An engine that is dumped.
pub struct DumpSystem {
    server: OceanBase,
}

/// A dump that is about to be started.
pub struct PendingDump;

impl DumpSystem {
    /// Stand-in.
    pub fn new(server: OceanBase) -> Self {
        Self { server }
    }
    /// Stand-in.
    pub async fn look(&mut self, _: &Run<'_>, _: StepKind, _: &[&TargetPlan]) -> Result<Vec<Seen>, Fault> {
        unimplemented!()
    }
    /// Stand-in.
    pub async fn detect(&mut self) -> Result<Facts, Fault> {
        self.server.detect().await
    }
    /// Stand-in.
    pub fn preview(&mut self, _: &Plan, _: &str) -> Result<Vec<PreviewStep>, Fault> {
        unimplemented!()
    }
    /// Stand-in.
    pub fn open_act(&mut self, _: &Action, _: &str, _: u32) -> Result<Act, Fault> {
        unimplemented!()
    }
    /// Stand-in.
    pub async fn perform(&mut self, _: PendingDump) -> Result<(), Failure> {
        unimplemented!()
    }
    /// Stand-in.
    pub fn disconnect(&mut self) {
        self.server.drop_session();
    }
}

/// The backup service of this host, as facts.
pub async fn find_service(_named: Option<&str>) -> ServiceFacts {
    unimplemented!()
}

/// Stand-in.
pub fn preview(_: &Facts, _: &Plan, _: &str) -> Result<Vec<PreviewStep>, Fault> {
    unimplemented!()
}
