// libpqxx 6.4 loses the result, some 2 KB, of the statement during which a connection broke: connection_base::make_result
// asks the dead connection for its encoding, and that throws before the result has an owner. A stack that is unwound quickly ends above
// libpq, so what makes results is named: only libpqxx has any.

extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:PQmakeEmptyPGresult\n"; }
