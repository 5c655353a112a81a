//! Runs `infra/template.yaml` on one machine, on embedded engines.
//!
//! [`template`] reads the file into a [`stack::Stack`]. The engines (tables, queues, bus, schedules, gateway) start
//! from that alone. The functions are the crates that are deployed. They reach the engines through the real AWS
//! clients and a proxy that enforces the template's policies.

pub mod api;
mod attack_log;
pub mod aws_error;
pub mod bus;
pub mod call_error;
pub mod commands;
pub mod company;
mod connections;
pub mod data_folder;
pub mod demo;
pub mod faults;
pub mod gateway;
pub mod iam;
pub mod lambda;
mod lane;
pub mod load;
pub mod machine;
pub mod offline;
pub mod pollers;
pub mod proxy;
pub mod sqs;
pub mod stack;
pub mod tables;
pub mod template;
