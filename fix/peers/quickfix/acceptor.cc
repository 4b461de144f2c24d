// An acceptor on QuickFIX (C++) that answers each NewOrderSingle with a New: what `exchange bench fix --with-peers` measures beside the exchange.
#include <quickfix/Application.h>
#include <quickfix/MessageStore.h>
#include <quickfix/Session.h>
#include <quickfix/SessionSettings.h>
#include <quickfix/SocketAcceptor.h>

#include <atomic>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

namespace {

class Venue : public FIX::Application {
 public:
  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID&) override {}
  void onLogout(const FIX::SessionID&) override {}
  void toAdmin(FIX::Message&, const FIX::SessionID&) override {}
  void toApp(FIX::Message&, const FIX::SessionID&) throw(FIX::DoNotSend) override {}
  void fromAdmin(const FIX::Message&, const FIX::SessionID&) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue,
                                                                    FIX::RejectLogon) override {}
  void fromApp(const FIX::Message& m, const FIX::SessionID& id) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue,
                                                                      FIX::UnsupportedMessageType) override {
    const std::string n = std::to_string(++orders_);
    FIX::Message r;
    r.getHeader().setField(35, "8");
    for (const int tag : {11, 38, 40, 44, 54, 55, 59})
      if (m.isSetField(tag)) r.setField(tag, m.getField(tag));
    r.setField(6, "0");
    r.setField(14, "0");
    r.setField(17, n);
    r.setField(37, n);
    r.setField(39, "0");
    r.setField(60, "20260102-10:00:00.000");
    r.setField(150, "0");
    r.setField(151, "100");
    FIX::Session::sendToTarget(r, id);
  }

 private:
  std::atomic<long> orders_{0};
};

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> flags = {{"--listen", "127.0.0.1:5011"}, {"--sender", "EXCHANGE"}, {"--client", "BENCH"}, {"--sessions", "64"}};
  for (int i = 1; i + 1 < argc; i += 2) {
    if (flags.find(argv[i]) == flags.end()) {
      std::cerr << "quickfix acceptor: unknown flag " << argv[i] << std::endl;
      return 2;
    }
    flags[argv[i]] = argv[i + 1];
  }
  std::ostringstream s;
  const std::string& listen = flags["--listen"];
  s << "[DEFAULT]\nConnectionType=acceptor\nSocketAcceptPort=" << listen.substr(listen.rfind(':') + 1) << "\nSocketReuseAddress=Y\nSocketNodelay=Y\nSenderCompID="
    << flags["--sender"] << "\nBeginString=FIX.4.4\nStartTime=00:00:00\nEndTime=00:00:00\nUseDataDictionary=N\n";
  for (int n = 1; n <= std::stoi(flags["--sessions"]); n++) s << "[SESSION]\nTargetCompID=" << flags["--client"] << n << "\n";
  try {
    std::istringstream text(s.str());
    FIX::SessionSettings settings(text);
    Venue venue;
    FIX::MemoryStoreFactory stores;
    FIX::SocketAcceptor acceptor(venue, stores, settings);
    acceptor.start();
    std::cout << "ready" << std::endl;
    char byte;
    while (std::cin.get(byte)) {
    }
    acceptor.stop(true);
  } catch (const std::exception& e) {
    std::cerr << "quickfix acceptor: " << e.what() << std::endl;
    return 1;
  }
}
