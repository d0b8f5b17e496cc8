// All in which MariaDB differs; what the members mean is said in render_cache/sql/dialect.hpp.
#pragma once

#include <render_cache/sql/dialect.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace mariadb_example {

using namespace render_cache;

/// MariaDB 10.11 or newer, with InnoDB.
struct MariaDbDialect {
  static constexpr std::string_view name = "mariadb";
  static constexpr char quote = '`';
  static constexpr bool numbered_parameters = false;
  static std::string parameter(std::size_t) { return "?"; }
  static constexpr std::size_t max_name_bytes = 64, max_key_bytes = 2'048;  // the latter by `key_constraint`

  /// Each as information_schema calls it, so that `type_fits` has one name to compare. Bytes know no collation, which would take
  /// keys for the same that differ. A TIMESTAMP ends in 2038.
  static std::string type_name(const Column& column) {
    if (column.list) return "json";
    switch (column.kind) {
      case Kind::text: return column.key ? "varbinary(2048)" : "longtext character set utf8mb4";
      case Kind::bytes: return column.key ? "varbinary(2048)" : "longblob";
      case Kind::integer: return column.bytes == 2 ? "smallint(6)" : column.bytes == 4 ? "int(11)" : "bigint(20)";
      case Kind::boolean: return "tinyint(1)";
      case Kind::real: return "double";
      case Kind::uuid: return "uuid";
      case Kind::timestamp: return "datetime(6)";
      case Kind::date: return "date";
      case Kind::json: return "json";
    }
    return {};
  }
  static bool type_fits(const Column& column, const std::string& type) {
    if (type == type_name(column)) return true;
    if (column.list || column.kind == Kind::json) return type == "longtext character set utf8mb4";  // with a check: what json is
    if (column.kind == Kind::text && column.key) return type == "varchar(2048) character set utf8mb4";  // its collation is asked
    return column.kind == Kind::integer && (type == "bigint(20)" || (type == "int(11)" && column.bytes == 2));
  }
  static std::string input(const Column& column, std::string expression) {
    return column.kind == Kind::timestamp && !column.list ? "str_to_date(" + expression + ", '%Y-%m-%dT%H:%i:%s.%fZ')"
                                                          : expression;
  }
  static std::string output(const Column& column, std::string expression) {
    if (column.list) return expression;
    if (column.kind == Kind::timestamp) return "date_format(" + expression + ", '%Y-%m-%dT%H:%i:%s.%fZ')";
    if (column.kind == Kind::real) return "cast(" + expression + " as char)";  // exact, unlike the client's text of a double
    if (column.kind == Kind::bytes) return "concat(unhex('5C78'), hex(" + expression + "))";  // `\x0aff`
    return expression;
  }

  static constexpr bool keeps_json_text = true;  // a longtext with a check
  static std::string first_part_is(const std::string& stored, const std::string& wanted) {
    return "left(concat(" + stored + ", '||'), char_length(" + wanted + ") + 2) = binary concat(" + wanted + ", '||')";
  }

  static constexpr std::string_view now = "utc_timestamp(6)", clock = now;
  static std::string age(const std::string& time) { return "timestampdiff(microsecond, " + time + ", utc_timestamp(6))"; }

  static std::string bytes(const std::string& expression) { return "octet_length(" + expression + ")"; }
  /// InnoDB's statistics, which follow when a tenth of the rows has changed.
  static constexpr std::string_view table_bytes =
      "SELECT data_length FROM information_schema.tables WHERE table_schema = database() AND table_name = $1";

  /// ON DUPLICATE KEY means any unique constraint of the table. So the key is set as well: a row that was another key's is then this
  /// one's, and never has the value of one under the name of the other.
  static std::string upsert(const Table& table, const std::string& rows) {
    std::string names, changes;
    for (const auto& column : table.columns()) {
      const auto comma = names.empty() ? "" : ", ";
      names.append(comma).append(quoted(column));
      changes.append(comma).append(quoted(column)).append(" = VALUES(").append(quoted(column)).append(")");
    }
    return "INSERT INTO `" + std::string(table.name) + "` (" + names + ") " + rows + " ON DUPLICATE KEY UPDATE " + changes;
  }
  /// A DELETE whose table has a name of its own is one of several tables; 10.11 knows no other.
  static std::string delete_from(const Table& table) { return "DELETE t FROM `" + std::string(table.name) + "` AS t"; }

  static std::string constraint(const Column&) { return {}; }
  /// An index has at most 3,072 bytes, all columns together, and one text of a key may have 2,048. A constraint USING HASH compares
  /// them whole, but finds nothing for a SELECT, so there is an index on the first bytes of each as well.
  static std::string key_constraint(const Table& table) {
    std::string names, beginnings;
    for (const auto& column : table.keys) {
      const auto comma = names.empty() ? "" : ", ";
      names.append(comma).append(quoted(column));
      const bool is_long = column.kind == Kind::text || column.kind == Kind::bytes;
      beginnings.append(comma).append(quoted(column)).append(is_long ? "(255)" : "");
    }
    return "UNIQUE (" + names + ") USING HASH,\n  KEY (" + beginnings + ")";
  }
  static constexpr std::string_view table_options = " ENGINE = InnoDB";
  static constexpr std::string_view table_exists =
      "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = $1";
  static constexpr std::string_view columns_query =
      "SELECT column_name, concat(column_type, coalesce(concat(' character set ', character_set_name), '')), is_nullable = 'NO', "
      "column_default IS NOT NULL OR generation_expression IS NOT NULL OR extra LIKE '%auto_increment%' "
      "FROM information_schema.columns WHERE table_schema = database() AND table_name = $1 ORDER BY ordinal_position";
  /// One on the beginning of a column would take long keys for the same that differ.
  static constexpr std::string_view unique_query =
      "SELECT index_name, column_name FROM information_schema.statistics WHERE table_schema = database() AND table_name = $1 "
      "AND non_unique = 0 AND index_name NOT IN (SELECT index_name FROM information_schema.statistics "
      "WHERE table_schema = database() AND table_name = $1 AND sub_part IS NOT NULL)";

  /// Each DDL statement commits. The lock is the session's, and a server's, so that it has the database in its name; who waits for it
  /// waits for a year. A Galera cluster has no such locks: there, migrate from one node.
  static constexpr bool transactional_ddl = false;
  static std::string begin_migration(const std::string& lock) { return "DO get_lock(" + named(lock) + ", 31536000)"; }
  static std::string end_migration(const std::string& lock) { return "DO release_lock(" + named(lock) + ")"; }
  static std::string abandon_migration(const std::string& lock) { return end_migration(lock); }

 private:
  static std::string quoted(const Column& column) { return "`" + std::string(column.name) + "`"; }
  static std::string named(const std::string& lock) { return "md5(concat(database(), '" + lock + "'))"; }
};

static_assert(check_dialect<MariaDbDialect>());

}  // namespace mariadb_example
