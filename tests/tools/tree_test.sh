#!/usr/bin/env bash
# The tree's own rules, and that their checks can fail.
cd "$(dirname "$0")/../.." || exit 1
source tests/lib.sh

dir=$(scratch)
check "no arrow between rooms points up (tools/layers)" tools/layers
mkdir -p "$dir/yun/base" "$dir/yun/http" "$dir/apps"
printf '#include "yun/http/router.hpp"\n' >"$dir/yun/base/ids.hpp"
printf '#include "yun/json/json.hpp"\n' >"$dir/yun/http/a.cpp"
said=$(tools/layers "$dir"); check "an arrow that points up is refused" equals $? 1
check "and named, with what is allowed" contains "$said" "yun/base/ids.hpp:1: base may not include http; it may include: nothing"
check "a front page within the library is refused" contains "$said" "yun/http/a.cpp:1: the library never includes a front page"

check "no statement begins with co_await (tools/lint)" tools/lint
printf 'Task<void> f() {\n  co_await g();\n  auto r =\n      co_await g();\n  (void)co_await g();  // the reason\n  if (r) co_await g();\n  co_return pair(co_await g(), co_await g());\n}\n' >"$dir/yun/http/a.cpp"
said=$(tools/lint "$dir" | cut -d: -f2 | tr '\n' ' ')
check "the lint finds the three faults of eight lines" equals "$said" "2 6 7 "

check "every header compiles alone (tools/headers)" tools/headers
printf 'std::string broken();\n' >"$dir/alone.hpp"
check "a header that lacks an include does not" bash -c "! tools/headers '$dir/alone.hpp' >/dev/null"

check "no machine's path and no registry's host is in the tree" bash -c '! git grep -nIE "/work/|/root/|[a-z]+://[a-z.]*(debian|golang|maven|npmjs|pypi|pythonhosted|crates)[.](org|com|io)" -- . ":!tests/tools/tree_test.sh"'
check "no file is past 700 lines" bash -c '! git ls-files "*.cpp" "*.hpp" | xargs -d "\n" wc -l 2>/dev/null | awk "\$2 != \"total\" && \$1 > 700 { print; bad = 1 } END { exit !bad }"'
long=$(git ls-files README.md README.zh-CN.md docs | grep '\.md$' | xargs -r -d '\n' grep -oE '\]\([^)#:]+\)' 2>/dev/null | sed -E 's/\]\((.*)\)/\1/' | while IFS=: read -r file target; do
  [[ -e $(dirname "$file")/$target || -e $target ]] || echo "$file: $target"
done)
check "links within the documents lead somewhere" equals "$long" ""
finish
