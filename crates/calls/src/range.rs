//! Range text to windows.
