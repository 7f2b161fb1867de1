//! `hallpass serve --dev`: starts, says that it is ready, stops, or says why it does not start.
