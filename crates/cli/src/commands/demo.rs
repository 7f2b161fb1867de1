//! `hallpass demo`: two real sign-ins against a server in this process, explained step by step.
