// libpqxx 6.4 loses the result, some 2 KB, of the statement during which a connection broke: connection_base::make_result
// asks the dead connection for its encoding, and that throws before the result has an owner. A part of that function has no name in
// the library, so its callers are named; to see them the stack is unwound slowly.

extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:pqxx::connection_base::\nleak:pqxx::transaction_base::direct_exec\n";
}

extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "fast_unwind_on_malloc=0"; }
