//! Callers of edition 2021: for them, too, a frame captures every lifetime that is in its arguments,
//! and lets go of temporaries before its locals.
