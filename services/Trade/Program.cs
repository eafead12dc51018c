using SecondhandTrade.Platform;
using SecondhandTrade.Trades;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("trade", "trades", TradeJson.Default, actors => actors.RegisterActor<TradeActor>());
builder.Services.Configure<TradeTerms>(builder.Configuration.GetSection("Terms"));
builder.Services.AddInvoker("payment").AddSingleton<PaymentClaimer>();
builder.Services.AddSingleton(services => new WakeHandler(nameof(TradeActor), services.GetRequiredService<PaymentClaimer>().Wake));

var app = builder.Build();
app.UseServiceDefaults();
app.MapTrades();
app.MapTradeEvents();
app.Run();
