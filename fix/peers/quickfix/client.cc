// A FIX client on QuickFIX (C++): enters orders until standard input ends, waits for what is unanswered and says what it saw, as one JSON object.
#include <quickfix/Application.h>
#include <quickfix/FileStore.h>
#include <quickfix/Log.h>
#include <quickfix/Session.h>
#include <quickfix/SessionSettings.h>
#include <quickfix/SocketInitiator.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Options {
  std::string addresses, sender = "CLIENT2", target = "EXCHANGE", username, password, store = ".", symbol = "XYZ2";
  int window = 50, every_us = 2000, patience_s = 60;
};

// kResting is the first order: it lies in the book, far from all others, for as long as the client comes back in time.
const char kResting[] = "qfc-1";

// Client is the application side of one session.
class Client : public FIX::Application {
 public:
  explicit Client(const Options& o) : options_(o) {}

  void onCreate(const FIX::SessionID& id) override { session_ = id; }
  void onLogon(const FIX::SessionID&) override {
    std::lock_guard<std::mutex> lock(mutex_);
    up_ = true;
    logons_++;
  }
  void onLogout(const FIX::SessionID&) override {
    std::lock_guard<std::mutex> lock(mutex_);
    up_ = false;
  }
  void toAdmin(FIX::Message& m, const FIX::SessionID&) override {
    const std::string kind = m.getHeader().getField(35);
    if (kind == "A" && !options_.username.empty()) {
      m.setField(553, options_.username);
      m.setField(554, options_.password);
    }
    if (kind == "5") Logout(m);
  }
  void toApp(FIX::Message&, const FIX::SessionID&) throw(FIX::DoNotSend) override {}
  void fromAdmin(const FIX::Message& m, const FIX::SessionID&) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue,
                                                                      FIX::RejectLogon) override {
    const std::string kind = m.getHeader().getField(35);
    if (kind == "5") Logout(m);
    const int first = std::stoi(m.getHeader().getField(34));
    const int next = kind == "4" && m.isSetField(36) ? std::stoi(m.getField(36)) : first + 1;
    std::lock_guard<std::mutex> lock(mutex_);
    for (int n = first; n < next; n++) Number(n, "session message or gap fill");
  }
  void fromApp(const FIX::Message& m, const FIX::SessionID&) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue,
                                                                    FIX::UnsupportedMessageType) override {
    const std::string kind = m.getHeader().getField(35), exec = m.isSetField(17) ? m.getField(17) : "";
    std::lock_guard<std::mutex> lock(mutex_);
    Number(std::stoi(m.getHeader().getField(34)), kind + " " + exec);
    if (kind != "8") return;
    const std::string id = m.getField(11), type = m.getField(150);
    if (!execs_.insert(exec).second) doubled_.push_back("ExecID " + exec);
    if (type == "0") new_++;
    else if (type == "8") rejected_++;
    else {
      if (id == kResting && (type == "4" || type == "C")) cancelled_.push_back(id);
      return;
    }
    if (!done_.insert(id).second) doubled_.push_back("ClOrdID " + id);
    open_.erase(id);
  }

  // Enter sends an order, if the session is up and not too many are unanswered.
  void Enter() {
    int n;
    std::string id;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (!up_ || static_cast<int>(open_.size()) >= options_.window) return;
      n = ++sent_;
      id = "qfc-" + std::to_string(n);
      open_.insert(id);
    }
    FIX::Message m;
    m.getHeader().setField(35, "D");
    m.setField(11, id);
    m.setField(21, "1");
    m.setField(38, "10");
    m.setField(40, "2");
    const bool resting = id == kResting;
    m.setField(44, resting ? "0.01" : std::to_string(10 + n % 3) + ".0" + std::to_string(n % 7));
    m.setField(54, resting ? "1" : std::to_string(1 + n % 2));
    m.setField(55, options_.symbol);
    m.setField(59, resting ? "1" : "3");  // the book stays small
    m.setField(60, Now());
    FIX::Session::sendToTarget(m, session_);
  }

  int Unanswered() {
    std::lock_guard<std::mutex> lock(mutex_);
    return static_cast<int>(open_.size());
  }

  void Say() {
    std::lock_guard<std::mutex> lock(mutex_);
    std::cout << "{\"engine\":\"quickfix\",\"sent\":" << sent_ << ",\"new\":" << new_ << ",\"rejected\":" << rejected_ << ",\"logons\":" << logons_
              << ",\"unanswered\":" << List(std::vector<std::string>(open_.begin(), open_.end())) << ",\"doubled\":" << List(doubled_)
              << ",\"too_low\":" << List(too_low_) << ",\"holes\":" << List(Holes()) << ",\"reused\":" << List(reused_)
              << ",\"cancelled\":" << List(cancelled_) << "}" << std::endl;
  }

 private:
  // Number notes what came under a number: it has one content for ever.
  void Number(int n, const std::string& content) {
    const auto put = numbers_.insert({n, content});
    if (!put.second && put.first->second != content) reused_.push_back(std::to_string(n) + ": " + put.first->second + ", then " + content);
  }

  // Holes are the numbers below the highest that never came.
  std::vector<std::string> Holes() const {
    std::vector<std::string> list;
    int next = 1;
    for (const auto& one : numbers_) {
      for (; next < one.first; next++) list.push_back(std::to_string(next));
      next = one.first + 1;
    }
    return list;
  }

  // Logout notes a Logout of either side that says that a number was used twice.
  void Logout(const FIX::Message& m) {
    if (!m.isSetField(58)) return;
    const std::string text = m.getField(58);
    if (text.find("too low") == std::string::npos) return;
    std::lock_guard<std::mutex> lock(mutex_);
    too_low_.push_back(text);
  }

  static std::string Now() {
    const std::time_t now = std::time(nullptr);
    std::tm utc;
    gmtime_r(&now, &utc);
    char text[32];
    std::strftime(text, sizeof text, "%Y%m%d-%H:%M:%S", &utc);
    return text;
  }

  static std::string List(const std::vector<std::string>& all) {
    std::string text = "[";
    for (size_t i = 0; i < all.size(); i++) text += (i ? ",\"" : "\"") + all[i] + "\"";
    return text + "]";
  }

  const Options options_;
  FIX::SessionID session_;
  std::mutex mutex_;
  bool up_ = false;
  int sent_ = 0, new_ = 0, rejected_ = 0, logons_ = 0;
  std::set<std::string> open_, done_, execs_;
  std::map<int, std::string> numbers_;
  std::vector<std::string> doubled_, too_low_, reused_, cancelled_;
};

// Settings is QuickFIX's settings file.
std::string Settings(const Options& o) {
  std::ostringstream s;
  s << "[DEFAULT]\nConnectionType=initiator\nReconnectInterval=1\nHeartBtInt=5\nFileStorePath=" << o.store
    << "\nStartTime=00:00:00\nEndTime=00:00:00\nUseDataDictionary=N\nResetOnLogon=N\nResetOnLogout=N\nResetOnDisconnect=N\n"
    << "[SESSION]\nBeginString=FIX.4.4\nSenderCompID=" << o.sender << "\nTargetCompID=" << o.target << "\n";
  std::istringstream list(o.addresses);
  std::string address;
  for (int i = 0; std::getline(list, address, ','); i++) {
    const size_t colon = address.rfind(':');
    const std::string suffix = i ? std::to_string(i) : "";
    s << "SocketConnectHost" << suffix << "=" << address.substr(0, colon) << "\nSocketConnectPort" << suffix << "=" << address.substr(colon + 1) << "\n";
  }
  return s.str();
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  std::map<std::string, std::string*> texts = {{"--addresses", &o.addresses}, {"--sender", &o.sender}, {"--target", &o.target},
    {"--username", &o.username}, {"--password", &o.password}, {"--store", &o.store}, {"--symbol", &o.symbol}};
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto known = texts.find(argv[i]);
    if (known == texts.end()) {
      std::cerr << "quickfix client: unknown flag " << argv[i] << std::endl;
      return 2;
    }
    *known->second = argv[i + 1];
  }
  try {
    std::istringstream text(Settings(o));
    FIX::SessionSettings settings(text);
    Client client(o);
    FIX::FileStoreFactory stores(settings);
    FIX::SocketInitiator initiator(client, stores, settings);
    initiator.start();
    std::atomic<bool> over(false);
    std::thread input([&over] {
      char byte;
      while (std::cin.get(byte)) {}
      over = true;
    });
    while (!over) {
      client.Enter();
      std::this_thread::sleep_for(std::chrono::microseconds(o.every_us));
    }
    input.join();
    for (int i = 0; i < o.patience_s * 100 && client.Unanswered() > 0; i++) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    initiator.stop();
    client.Say();
  } catch (const std::exception& e) {
    std::cerr << "quickfix client: " << e.what() << std::endl;
    return 1;
  }
}
