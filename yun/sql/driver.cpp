#include "yun/sql/driver.hpp"

#include <exception>

namespace yun::sql {

Result<void> call(Work& work, Session& session) {
  try {
    return work(session);
  } catch (const std::exception& bug) {
    return internal_error(std::string("exception in a transaction: ") + bug.what());
  } catch (...) {
    return internal_error("exception in a transaction");
  }
}

Task<Result<Changes>> Driver::execute(Cancel& cancel, Statement statement) {
  auto changes = std::make_shared<Changes>();
  Work work = [changes, statement = std::move(statement)](Session& session) -> Result<void> {
    YUN_GET(done, session.execute(statement.text, statement.args));
    *changes = done;
    return {};
  };
  auto committing = transaction(cancel, std::move(work));
  YUN_CHECK(co_await std::move(committing));
  co_return *changes;
}

Task<Result<void>> Driver::exclusively(Cancel& cancel, std::string, Work work) { return transaction(cancel, std::move(work)); }

}  // namespace yun::sql
