//! The binding to libhs, which is our own because it needs a dozen functions.
#![expect(unsafe_code, reason = "libhs is a C library")]

use super::NAME;
use crate::engine::{EngineError, LiteralSet};
use std::{
    ffi::{CStr, CString, c_char, c_int, c_uint, c_ulonglong, c_void},
    fmt::Write,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    ptr::{self, NonNull},
};

const HS_SUCCESS: c_int = 0;
const HS_SCAN_TERMINATED: c_int = -3;
const HS_MODE_BLOCK: c_uint = 1;
const HS_FLAG_CASELESS: c_uint = 1;

/// `hs_compile_error_t` of hs_compile.h.
#[repr(C)]
struct CompileError {
    message: *mut c_char,
    expression: c_int,
}

/// `hs_platform_info_t` of hs_compile.h.
#[repr(C)]
#[derive(Default)]
struct PlatformInfo {
    tune: c_uint,
    cpu_features: c_ulonglong,
    reserved: [c_ulonglong; 2],
}

/// `match_event_handler` of hs_runtime.h: not 0 to stop.
type MatchHandler = unsafe extern "C" fn(
    id: c_uint,
    from: c_ulonglong,
    to: c_ulonglong,
    flags: c_uint,
    context: *mut c_void,
) -> c_int;

#[link(name = "hs")]
unsafe extern "C" {
    safe fn hs_valid_platform() -> c_int;
    safe fn hs_version() -> *const c_char;
    fn hs_populate_platform(platform: *mut PlatformInfo) -> c_int;
    fn hs_compile_multi(
        expressions: *const *const c_char,
        flags: *const c_uint,
        ids: *const c_uint,
        elements: c_uint,
        mode: c_uint,
        platform: *const c_void,
        database: *mut *mut c_void,
        error: *mut *mut CompileError,
    ) -> c_int;
    fn hs_free_compile_error(error: *mut CompileError) -> c_int;
    fn hs_free_database(database: *mut c_void) -> c_int;
    fn hs_serialize_database(
        database: *const c_void,
        bytes: *mut *mut c_char,
        length: *mut usize,
    ) -> c_int;
    fn hs_deserialize_database(
        bytes: *const c_char,
        length: usize,
        database: *mut *mut c_void,
    ) -> c_int;
    fn hs_alloc_scratch(database: *const c_void, scratch: *mut *mut c_void) -> c_int;
    fn hs_free_scratch(scratch: *mut c_void) -> c_int;
    fn hs_scan(
        database: *const c_void,
        data: *const c_char,
        length: c_uint,
        flags: c_uint,
        scratch: *mut c_void,
        on_event: MatchHandler,
        context: *mut c_void,
    ) -> c_int;
}

unsafe extern "C" {
    /// Of the C library: what libhs allocates with unless told otherwise, and we do not tell it.
    fn free(memory: *mut c_void);
}

/// Whether libhs runs on this processor.
pub(super) fn runs_here() -> bool {
    hs_valid_platform() == HS_SUCCESS
}

/// Returns libhs's version, with the day it was built.
pub(super) fn version() -> &'static [u8] {
    // SAFETY: libhs returns a terminated string that is a constant of its own.
    unsafe { CStr::from_ptr(hs_version()) }.to_bytes()
}

/// Returns what libhs compiles for on this machine: the kind of processor and its features.
/// `None` where libhs cannot say.
pub(super) fn platform() -> Option<[u64; 4]> {
    let mut platform = PlatformInfo::default();
    // SAFETY: the structure is the one that libhs declares, and valid to write to.
    let status = unsafe { hs_populate_platform(&raw mut platform) };
    let PlatformInfo {
        tune,
        cpu_features,
        reserved: [one, other],
    } = platform;
    (status == HS_SUCCESS).then_some([tune.into(), cpu_features, one, other])
}

/// A compiled database. Freed on drop.
#[derive(Debug)]
pub(super) struct Database(NonNull<c_void>);

// SAFETY: libhs never writes to a database after it is compiled; its documentation allows any
// number of threads to scan with one.
unsafe impl Send for Database {}
// SAFETY: as above.
unsafe impl Sync for Database {}

impl Database {
    pub(super) fn compile(set: &LiteralSet) -> Result<Self, EngineError> {
        let fail = |message: String| EngineError::Build {
            engine: NAME,
            literals: set.literals().len(),
            message,
        };
        let literals = set.literals();
        let count = c_uint::try_from(literals.len()).map_err(|error| fail(error.to_string()))?;
        // Expressions, because `hs_compile_lit_multi` takes a literal that begins with a zero byte,
        // as UTF-16 ones do, for empty.
        let owned: Vec<CString> = literals.iter().map(|(bytes, _)| escape(bytes)).collect();
        let expressions: Vec<*const c_char> = owned.iter().map(|e| e.as_ptr()).collect();
        let flags: Vec<c_uint> = literals
            .iter()
            .map(|(_, ignore_case)| if *ignore_case { HS_FLAG_CASELESS } else { 0 })
            .collect();
        let ids: Vec<c_uint> = (0..count).collect();
        let mut database = ptr::null_mut();
        let mut error: *mut CompileError = ptr::null_mut();
        // SAFETY: the three arrays have `count` elements each and outlive the call, as do the
        // terminated expressions; no platform means this one; both results are valid to write to.
        let status = unsafe {
            hs_compile_multi(
                expressions.as_ptr(),
                flags.as_ptr(),
                ids.as_ptr(),
                count,
                HS_MODE_BLOCK,
                ptr::null(),
                &raw mut database,
                &raw mut error,
            )
        };
        if status != HS_SUCCESS {
            let message = take_message(error);
            return Err(fail(message));
        }
        NonNull::new(database)
            .map(Self)
            .ok_or_else(|| fail("libhs returned no database".to_owned()))
    }

    /// Returns bytes that [`Self::deserialize`] takes; `None` for want of memory.
    pub(super) fn serialize(&self) -> Option<Vec<u8>> {
        let mut bytes = ptr::null_mut();
        let mut length = 0;
        // SAFETY: the database is alive; both results are valid to write to.
        let status =
            unsafe { hs_serialize_database(self.0.as_ptr(), &raw mut bytes, &raw mut length) };
        if status != HS_SUCCESS || bytes.is_null() {
            return None;
        }
        // SAFETY: libhs has just filled so many bytes there, and keeps no hold of them.
        let copy = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) }.to_vec();
        // SAFETY: the bytes are from libhs, which leaves it to us to free them, with `free` as no
        // other allocator is set; nobody has them any more.
        unsafe { free(bytes.cast()) };
        Some(copy)
    }

    /// Makes a database of what [`Self::serialize`] gave, in this process or another.
    ///
    /// libhs refuses bytes of another version, of another platform, of another length and with
    /// another checksum; `None` then. It checks no more.
    ///
    /// # Safety
    /// The bytes must have come from [`Self::serialize`]: libhs follows offsets in them.
    pub(super) unsafe fn deserialize(bytes: &[u8]) -> Option<Self> {
        let mut database = ptr::null_mut();
        // SAFETY: so many bytes are there, and the caller vouches for what they are; libhs copies
        // them; the result is valid to write to.
        let status = unsafe {
            hs_deserialize_database(bytes.as_ptr().cast(), bytes.len(), &raw mut database)
        };
        if status != HS_SUCCESS {
            return None;
        }
        NonNull::new(database).map(Self)
    }

    /// Calls `found` with each literal met and the end of its occurrence in `data`.
    pub(super) fn scan(&self, scratch: &mut Scratch, data: &[u8], found: impl FnMut(u32, usize)) {
        let length = c_uint::try_from(data.len()).expect("content is below u32::MAX bytes");
        let mut visit = Visit { found, panic: None };
        // SAFETY: `data` has `length` bytes; the database and the scratch made for it are alive,
        // and `&mut` says that nobody else uses the scratch; the handler is the one for the type
        // of `visit`, which lives until the call returns and is used by nobody else till then.
        let status = unsafe {
            hs_scan(
                self.0.as_ptr(),
                data.as_ptr().cast(),
                length,
                0,
                scratch.0.as_ptr(),
                handler(&visit),
                (&raw mut visit).cast(),
            )
        };
        if let Some(panic) = visit.panic {
            resume_unwind(panic);
        }
        assert!(
            status == HS_SUCCESS || status == HS_SCAN_TERMINATED,
            "hs_scan refused what it documents to take: {status}"
        );
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // SAFETY: the database came from libhs, and nobody has it any more.
        unsafe { hs_free_database(self.0.as_ptr()) };
    }
}

/// What the handler needs.
struct Visit<F> {
    found: F,
    panic: Option<Box<dyn std::any::Any + Send>>,
}

/// Returns the handler for a visit, so that the two cannot be of different types.
fn handler<F: FnMut(u32, usize)>(_: &Visit<F>) -> MatchHandler {
    on_match::<F>
}

/// Hands a match on. A panic must not unwind through libhs, so it is kept for later.
unsafe extern "C" fn on_match<F: FnMut(u32, usize)>(
    id: c_uint,
    _from: c_ulonglong,
    to: c_ulonglong,
    _flags: c_uint,
    context: *mut c_void,
) -> c_int {
    // SAFETY: `Database::scan` passes a `Visit<F>` of this very type that is alive during the scan
    // and that it does not touch meanwhile; libhs calls from the scanning thread alone.
    let visit = unsafe { &mut *context.cast::<Visit<F>>() };
    match catch_unwind(AssertUnwindSafe(|| (visit.found)(id, to as usize))) {
        Ok(()) => 0,
        Err(panic) => {
            visit.panic = Some(panic);
            1
        }
    }
}

/// One worker's scratch memory. Freed on drop.
pub(super) struct Scratch(NonNull<c_void>);

// SAFETY: scratch is plain memory without ties to a thread; only use from two threads at once is
// forbidden, and scanning takes it by `&mut`.
unsafe impl Send for Scratch {}

impl Scratch {
    pub(super) fn new(database: &Database) -> Result<Self, EngineError> {
        let mut scratch = ptr::null_mut();
        // SAFETY: the database is alive; a null scratch asks for a new one; the result is valid to
        // write to.
        let status = unsafe { hs_alloc_scratch(database.0.as_ptr(), &raw mut scratch) };
        match NonNull::new(scratch) {
            Some(scratch) if status == HS_SUCCESS => Ok(Self(scratch)),
            _ => Err(EngineError::Unavailable {
                engine: NAME,
                message: format!("libhs cannot allocate scratch memory (status {status})"),
            }),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: the scratch came from libhs, and nobody has it any more.
        unsafe { hs_free_scratch(self.0.as_ptr()) };
    }
}

/// Returns an expression that matches these bytes and nothing else.
fn escape(bytes: &[u8]) -> CString {
    let mut expression = String::with_capacity(4 * bytes.len());
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(expression, "\\x{byte:02x}");
    }
    CString::new(expression).expect("an escape holds no zero byte")
}

/// Copies and frees what a failed compilation left. Literals are not secrets.
fn take_message(error: *mut CompileError) -> String {
    let Some(error) = NonNull::new(error) else {
        return "libhs says no more".to_owned();
    };
    // SAFETY: libhs left a valid error with a terminated message, which lives until freed below.
    let message = unsafe { CStr::from_ptr((*error.as_ptr()).message) }
        .to_string_lossy()
        .into_owned();
    // SAFETY: the error came from libhs, and nobody has it any more.
    unsafe { hs_free_compile_error(error.as_ptr()) };
    message
}
