using SecondhandTrade.Platform;
using SecondhandTrade.Reservations;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("reservation", "reservations", ReservationJson.Default, actors => actors.RegisterActor<ProductActor>());
builder.Services.Configure<ReservationTerms>(builder.Configuration.GetSection("Terms"));
builder.Services.AddInvoker("payment").AddInvoker("stock").AddSingleton<PaymentClient>().AddSingleton<Intake>();
builder.Services.AddSingleton(services => new WakeHandler(nameof(ProductActor), services.GetRequiredService<Intake>().WakeProduct));
builder.Services.AddSingleton(services => new WakeHandler(Intake.WakeKind, services.GetRequiredService<Intake>().WakeReserve));
builder.Services.AddGauge("town.reservations", "{reservation}", "Open reservations by status; those that wait are the queues.", ReserveResource.Counts);

var app = builder.Build();
app.UseServiceDefaults();
app.MapReservations();
app.MapReservationEvents();
app.Run();
