#include <render_cache/entry/member.hpp>

enum class Tier { core, extra };

template <>
struct render_cache::MemberTraits<Tier> : render_cache::EnumTraits<Tier> {
  static constexpr Name names[] = {{Tier::core, "core"}, {Tier::extra, "extra"}};
};

const auto field = render_cache::MemberTraits<Tier>::to_field(Tier::core);
