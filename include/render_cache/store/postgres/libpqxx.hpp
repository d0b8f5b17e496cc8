// What differs between libpqxx 6.4 (Debian 12) and 7.10 (Debian 13): parameters, running a statement, silencing notices.
#pragma once

#include <render_cache/requirements.hpp>

#include <pqxx/pqxx>

#include <cstddef>
#include <forward_list>
#include <string>
#include <utility>
#include <vector>

namespace render_cache {

/// The parameters of one statement, all in text form. A text is referred to, not copied: it must outlive the call.
class PostgresParameters {
 public:
  PostgresParameters() = default;
  PostgresParameters(const PostgresParameters&) = delete;  // it refers to its own texts
  PostgresParameters& operator=(const PostgresParameters&) = delete;

  void add(const std::string& text) { texts_.push_back(&text); }
  void add(const std::string&&) = delete;
  void add_null() { texts_.push_back(nullptr); }
  /// Keeps the text itself: for what was made for this call (numbers, array literals).
  void add_owned(std::string text) { texts_.push_back(&owned_.emplace_front(std::move(text))); }

  [[nodiscard]] std::size_t size() const noexcept { return texts_.size(); }
  [[nodiscard]] auto begin() const noexcept { return texts_.begin(); }
  [[nodiscard]] auto end() const noexcept { return texts_.end(); }

 private:
  std::vector<const std::string*> texts_;  // null: NULL
  std::forward_list<std::string> owned_;   // never moves its elements, and an empty one costs nothing
};

namespace detail {

#if PQXX_VERSION_MAJOR > 7 || (PQXX_VERSION_MAJOR == 7 && PQXX_VERSION_MINOR >= 10)

inline pqxx::params pqxx_params(const PostgresParameters& parameters) {
  pqxx::params list;
  list.reserve(parameters.size());
  for (const std::string* text : parameters) {
    if (text == nullptr) {
      list.append();
    } else {
      list.append(pqxx::zview(*text));
    }
  }
  return list;
}

inline pqxx::result run_prepared(pqxx::transaction_base& transaction, const std::string& name,
                                 const PostgresParameters& parameters) {
  return transaction.exec(pqxx::prepped{name}, pqxx_params(parameters));
}

inline pqxx::result run_text(pqxx::transaction_base& transaction, const std::string& sql, const PostgresParameters& parameters) {
  return transaction.exec(sql, pqxx_params(parameters));
}

/// libpqxx prints the server's notices to stderr unless told otherwise.
class SilentNotices {
 public:
  explicit SilentNotices(pqxx::connection& connection) {
    connection.set_notice_handler([](pqxx::zview) noexcept {});
  }
};

#else

inline std::vector<const char*> pqxx_params(const PostgresParameters& parameters) {
  std::vector<const char*> list;  // a null pointer is NULL
  list.reserve(parameters.size());
  for (const std::string* text : parameters) list.push_back(text == nullptr ? nullptr : text->c_str());
  return list;
}

inline pqxx::result run_prepared(pqxx::transaction_base& transaction, const std::string& name,
                                 const PostgresParameters& parameters) {
  return transaction.exec_prepared(name, pqxx::prepare::make_dynamic_params(pqxx_params(parameters)));
}

inline pqxx::result run_text(pqxx::transaction_base& transaction, const std::string& sql, const PostgresParameters& parameters) {
  return transaction.exec_params(sql, pqxx::prepare::make_dynamic_params(pqxx_params(parameters)));
}

/// libpqxx prints the server's notices to stderr unless told otherwise.
class SilentNotices {
 public:
  explicit SilentNotices(pqxx::connection& connection) : handler_(connection) {}

 private:
  pqxx::quiet_errorhandler handler_;
};

#endif

}  // namespace detail
}  // namespace render_cache
