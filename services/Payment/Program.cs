using Microsoft.AspNetCore.RateLimiting;
using SecondhandTrade.Payments;
using SecondhandTrade.Platform;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("payment", "payments", PaymentJson.Default, actors => actors.RegisterActor<PaymentActor>());
builder.Services.Configure<PaymentTerms>(builder.Configuration.GetSection("Terms"));
builder.Services.AddSingleton<SimulatedProvider>().AddSingleton<IPaymentProvider>(services => services.GetRequiredService<SimulatedProvider>());
builder.Services.AddSingleton<ProviderWorker>();
builder.Services.AddSingleton<ReconciliationJob>().AddHostedService(services => services.GetRequiredService<ReconciliationJob>());
builder.Services.AddGauge("town.payments.unknown", "{payment}", "Payments whose outcome nobody knows yet.", PaymentResource.CountUnknown);
builder.Services.AddGauge("town.reconciliation.findings", "{finding}", "Where the town's books and the provider's disagree.", services => services.GetRequiredService<ReconciliationJob>().Findings);
builder.Services.AddSingleton(services => new WakeHandler(nameof(PaymentActor), services.GetRequiredService<ProviderWorker>().Wake));
builder.Services.AddRateLimiter(limits =>
{
    // More at once than the provider takes is refused at once, so that the buyer is told to pay later instead of waiting.
    limits.AddConcurrencyLimiter(PaymentEndpoints.Overload, options => (options.PermitLimit, options.QueueLimit) = (64, 0));
    limits.OnRejected = async (rejected, _) => await Problems.Unavailable("payment-overloaded", "Too many payments at once; pay later.").ExecuteAsync(rejected.HttpContext);
});

var app = builder.Build();
app.UseServiceDefaults();
app.UseRateLimiter();
app.MapPayments();
app.MapPaymentEvents();
app.Run();
